/** Requests to the relay, on the HTTP client of targets: see docs/decisions/0005. */
import type { Cancel } from "../async/abort.ts";
import { isForbiddenAddress } from "../protocol/forbidden_address.ts";
import { HeaderLines } from "./header_lines.ts";
import type { HttpBody } from "./http_body.ts";
import { createHttpClient, type HttpResponse } from "./http_client.ts";
import type { Reach } from "./reach.ts";

const encoder = new TextEncoder();
const nothing = new Uint8Array();
const uncompressed = new HeaderLines({ "Accept-Encoding": "identity" });

export interface FetchInit {
  readonly method: string;
  readonly headers?: Record<string, string>;
  /** More of them, made ready before. */
  readonly shared?: HeaderLines;
  /** Path and query, where `url` says only which server. */
  readonly path?: string;
  readonly body?: string;
  readonly signal: Cancel;
}

/** Of a header that came more than once all values, with commas between; null where there is none. */
export type HeaderReader = Pick<Headers, "get">;

/** What the web calls a response is made of streams that cost more than an acknowledgement. */
export interface FetchResponse {
  readonly status: number;
  readonly headers: HeaderReader;
  /** Must be read to its end or destroyed. Reading it rejects with the signal's reason when that is aborted. */
  readonly body: HttpBody;
}

/**
 * Never follows a redirect: the token must not reach another place. Takes no compressed body: a kilobyte of it can
 * become a gigabyte.
 */
export type Fetch = (url: URL, init: FetchInit) => Promise<FetchResponse>;

export interface FetchClient {
  readonly fetch: Fetch;
  /** As that of the `HttpClient`. */
  dropIdle(): void;
  close(): void;
}

/** Connects to no address where a relay cannot be; one behind a proxy the proxy must refuse. */
export function createFetch(
  { tls, proxy, refuses = isForbiddenAddress }: Pick<Reach, "tls" | "proxy" | "refuses">,
): FetchClient {
  const client = createHttpClient({ tls, proxy, refuses }, () => Infinity);
  return {
    async fetch(url, { method, headers, shared, path, body, signal }) {
      const response = await client.request({
        method,
        url,
        path: path ?? url.pathname + url.search,
        headers: headers ? Object.entries(headers) : [],
        shared: shared ? [shared, uncompressed] : [uncompressed],
        body: body === undefined ? nothing : encoder.encode(body),
      }, signal);
      const encoding = String(response.headers["content-encoding"] ?? "identity");
      if (encoding.toLowerCase() === "identity") {
        const { status, body } = response;
        return { status, headers: readerOf(response), body };
      }
      response.body.destroy();
      const shown = JSON.stringify(encoding.slice(0, 32));
      throw new Error(`the answer is compressed (${shown}), which was not asked for`);
    },
    dropIdle: () => client.dropIdle(),
    close: () => client.close(),
  };
}

function readerOf({ headers }: HttpResponse): HeaderReader {
  return {
    get(name) {
      const value = headers[name.toLowerCase()];
      return value === undefined ? null : [value].flat().join(", ");
    },
  };
}
