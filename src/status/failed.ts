import type { Context } from "hono";
import { HTTPException } from "hono/http-exception";
import { JournalUnavailable } from "../flow.ts";

/** The answer where a route has thrown. The reason is for whoever asked: standard error is for events alone. */
export function failed(error: Error, c: Context): Response {
  // What a route answers by throwing: a body that is too large.
  if (error instanceof HTTPException) return error.getResponse();
  return c.json({ detail: error.message }, error instanceof JournalUnavailable ? 503 : 500);
}
