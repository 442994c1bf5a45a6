/** `fetch` towards the relay, on the HTTP client of targets: see docs/decisions/0005. */
import type { IncomingMessage } from "node:http";
import { Readable } from "node:stream";
import { isForbiddenAddress } from "../protocol/forbidden_address.ts";
import { createHttpClient } from "./http_client.ts";
import type { Reach } from "./reach.ts";

export interface FetchInit {
  readonly method: string;
  readonly headers: Record<string, string>;
  readonly body?: string;
  readonly signal: AbortSignal;
}

/** Never follows a redirect: the token must not reach another place. The body must be read or cancelled. */
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
        headers: Object.entries(headers),
        body: new TextEncoder().encode(body),
      }, signal);
      return toResponse(response.status, response.body);
    },
    close: () => client.close(),
  };
}

function toResponse(status: number, body: IncomingMessage): Response {
  const headers = new Headers();
  for (let i = 0; i + 1 < body.rawHeaders.length; i += 2) {
    headers.append(body.rawHeaders[i] ?? "", body.rawHeaders[i + 1] ?? "");
  }
  const isBodyless = status === 204 || status === 304;
  if (isBodyless) body.resume();
  return new Response(
    isBodyless ? null : Readable.toWeb(body) as ReadableStream<Uint8Array<ArrayBuffer>>,
    { status, headers },
  );
}
