import type { MiddlewareHandler } from "hono";
import { bodyLimit } from "hono/body-limit";
import { HTTPException } from "hono/http-exception";

/** A body of more bytes is answered 413; one in chunks that ends early 400, as what it is: no fault of ours. */
export function limitedBody(maxSize: number): MiddlewareHandler {
  const limit = bodyLimit({ maxSize });
  // It rejects with 413, and where it reads; what a route throws is answered before it comes here.
  return (c, next) =>
    limit(c, next).catch((cause: unknown) => {
      if (cause instanceof HTTPException) throw cause;
      throw new HTTPException(400, { message: "the body ended early", cause });
    });
}
