/** `fetch` towards the relay with TLS settings: the runtime's own where it can do what is asked. */
import http from "node:http";
import https from "node:https";
import { Readable } from "node:stream";
import type { TlsSettings } from "../config/settings.ts";
import { isDeno } from "./runtime.ts";
import { nodeTlsOptions } from "./tls.ts";

export interface FetchInit {
  readonly method: "GET" | "POST";
  readonly headers: Record<string, string>;
  readonly body?: string;
  readonly signal: AbortSignal;
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

export function createFetch(tls: TlsSettings): FetchClient {
  return uncompressed(clientFor(tls));
}

function clientFor(tls: TlsSettings): FetchClient {
  if (!isDeno) return bunFetch(tls);
  // Deno's own fetch cannot switch verification off and silently ignores being asked to.
  return tls.verify ? denoFetch(tls) : nodeFetch(tls);
}

/** Deno's `fetch` unpacks by itself, and keeps the header that tells. */
function uncompressed({ fetch, close }: FetchClient): FetchClient {
  return {
    async fetch(url, init) {
      const headers = { ...init.headers, "Accept-Encoding": "identity" };
      const response = await fetch(url, { ...init, headers });
      const encoding = response.headers.get("content-encoding") ?? "identity";
      if (encoding.toLowerCase() === "identity") return response;
      await response.body?.cancel();
      throw new Error(
        `the answer is compressed (${
          JSON.stringify(encoding.slice(0, 32))
        }), which was not asked for`,
      );
    },
    close,
  };
}

function denoFetch(tls: TlsSettings): FetchClient {
  const client = Deno.createHttpClient({
    ...(tls.ca !== undefined && { caCerts: [tls.ca] }),
    ...(tls.cert !== undefined && tls.key !== undefined && { cert: tls.cert, key: tls.key }),
  });
  return {
    fetch: (url, init) => fetch(url, { ...init, redirect: "manual", client } as RequestInit),
    close: () => client.close(),
  };
}

function bunFetch(tls: TlsSettings): FetchClient {
  const options = {
    redirect: "manual",
    tls: nodeTlsOptions(tls),
    // Bun would cut a silent body after six minutes. Liveness is the watchdog's job.
    timeout: false,
    // It would unpack without looking at who reads.
    decompress: false,
  };
  return {
    fetch: (url, init) => fetch(url, { ...init, ...options } as RequestInit),
    close: () => {},
  };
}

function nodeFetch(tls: TlsSettings): FetchClient {
  const secure = new https.Agent({ keepAlive: true, ...nodeTlsOptions(tls) });
  const plain = new http.Agent({ keepAlive: true });
  return {
    fetch: (url, { method, headers, body, signal }) =>
      new Promise((resolve, reject) => {
        if (signal.aborted) return reject(signal.reason);
        const isSecure = url.protocol === "https:";
        const request = (isSecure ? https : http).request(url, {
          method,
          headers,
          agent: isSecure ? secure : plain,
          rejectUnauthorized: false,
        });
        const abort = () => {
          request.destroy(new Error("aborted"));
          reject(signal.reason);
        };
        signal.addEventListener("abort", abort, { once: true });
        // See http_client.ts: without this Deno would send the request a second time.
        request.on("socket", () => {
          (request as { reusedSocket: boolean }).reusedSocket = false;
        });
        request.on("response", (response) => {
          response.once("close", () => signal.removeEventListener("abort", abort));
          resolve(toResponse(response));
        });
        // See http_client.ts.
        request.on("upgrade", (_response, socket) => {
          signal.removeEventListener("abort", abort);
          socket.destroy();
          reject(new Error("the server answered 101, an upgrade that was not asked for"));
        });
        request.on("error", (error) => {
          signal.removeEventListener("abort", abort);
          reject(signal.aborted ? signal.reason : error);
        });
        request.end(body);
      }),
    close() {
      secure.destroy();
      plain.destroy();
    },
  };
}

function toResponse(response: http.IncomingMessage): Response {
  const headers = new Headers();
  for (let i = 0; i + 1 < response.rawHeaders.length; i += 2) {
    headers.append(response.rawHeaders[i] ?? "", response.rawHeaders[i + 1] ?? "");
  }
  const status = response.statusCode ?? 500;
  if (status === 204 || status === 304) response.resume();
  return new Response(
    status === 204 || status === 304
      ? null
      : Readable.toWeb(response) as ReadableStream<Uint8Array<ArrayBuffer>>,
    { status, headers },
  );
}
