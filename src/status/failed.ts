import type { Context } from "hono";
import { JournalUnavailable } from "../flow.ts";

/** The answer where a route has thrown. The reason is for whoever asked: standard error is for events alone. */
export function failed(error: Error, c: Context): Response {
  return c.json({ detail: error.message }, error instanceof JournalUnavailable ? 503 : 500);
}
