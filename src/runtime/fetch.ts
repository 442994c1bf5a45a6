/** `fetch` towards the relay, on the HTTP client of targets: see docs/decisions/0005. */
import type { Cancel } from "../async/abort.ts";
import { isForbiddenAddress } from "../protocol/forbidden_address.ts";
import { createHttpClient, type HttpResponse } from "./http_client.ts";
import type { Reach } from "./reach.ts";

export interface FetchInit {
  readonly method: string;
  readonly headers: Record<string, string>;
  readonly body?: string;
  readonly signal: Cancel;
}

/**
 * Never follows a redirect: the token must not reach another place. Takes no compressed body: a kilobyte of it can
 * become a gigabyte. The body must be read or cancelled.
 */
export type Fetch = (url: URL, init: FetchInit) => Promise<Response>;

export interface FetchClient {
  readonly fetch: Fetch;
  close(): void;
}

/** Connects to no address where a relay cannot be; one behind a proxy the proxy must refuse. */
export function createFetch(
  { tls, proxy, refuses = isForbiddenAddress }: Pick<Reach, "tls" | "proxy" | "refuses">,
): FetchClient {
  const client = createHttpClient({ tls, proxy, refuses }, Infinity);
  return {
    async fetch(url, { method, headers, body = "", signal }) {
      const response = await client.request({
        method,
        url,
        path: url.pathname + url.search,
        headers: [...Object.entries(headers), ["Accept-Encoding", "identity"]],
        body: new TextEncoder().encode(body),
      }, signal);
      const encoding = String(response.headers["content-encoding"] ?? "identity");
      if (encoding.toLowerCase() === "identity") {
        return toResponse(response);
      }
      response.body.destroy();
      const shown = JSON.stringify(encoding.slice(0, 32));
      throw new Error(`the answer is compressed (${shown}), which was not asked for`);
    },
    close: () => client.close(),
  };
}

function toResponse({ status, headers: given, body }: HttpResponse): Response {
  const headers = new Headers();
  for (const [name, values] of Object.entries(given)) {
    for (const value of [values].flat()) headers.append(name, value);
  }
  if (status === 204 || status === 304) return new Response(null, { status, headers });
  const stream = new ReadableStream<Uint8Array<ArrayBuffer>>({
    async pull(controller) {
      const chunk = await body.next();
      if (chunk) controller.enqueue(chunk);
      else controller.close();
    },
    cancel: () => body.destroy(),
  }, { highWaterMark: 0 });
  return new Response(stream, { status, headers });
}
