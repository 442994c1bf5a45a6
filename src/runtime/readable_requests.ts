import type { Handler } from "./serve.ts";

/**
 * Answers 400 to a request whose Host makes no URL with its target: neither runtime refuses it, and whoever reads the
 * URL of such a request throws.
 */
export function readableRequests(handler: Handler): Handler {
  return (request, context) =>
    URL.canParse(request.url)
      ? handler(request, context)
      : Response.json({ detail: "Host is not a host" }, { status: 400 });
}
