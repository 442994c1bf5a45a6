/**
 * The HTTP client for targets, on `node:http` for both runtimes: it keeps header order, case and
 * repeats, takes TLS settings per target, and never sends a request twice.
 */
import http from "node:http";
import https from "node:https";
import type { TlsSettings } from "../config/settings.ts";
import { nodeTlsOptions } from "./tls.ts";

export interface HttpRequest {
  readonly method: string;
  readonly url: URL;
  /** Path and query as they go on the wire; `url` may not have kept their spelling. */
  readonly path: string;
  /** `Host` and `Content-Length` are the client's to add. */
  readonly headers: readonly (readonly [string, string])[];
  readonly body: Uint8Array;
}

export interface HttpResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  /** Must be read to its end or destroyed. */
  readonly body: http.IncomingMessage;
}

export interface HttpClient {
  /** Rejects with the network's error, or with the signal's reason when it is aborted. */
  request(request: HttpRequest, signal: AbortSignal): Promise<HttpResponse>;
  /** Connections opened so far. */
  readonly connections: number;
  close(): void;
}

/** A client with its own connection pool of at most `maxSockets`. One per target, for the connector's life. */
export function createHttpClient(tls: TlsSettings, maxSockets: number): HttpClient {
  const pool = { keepAlive: true, maxSockets, maxFreeSockets: maxSockets };
  const plain = new http.Agent(pool);
  const secure = new https.Agent({ ...pool, ...nodeTlsOptions(tls) });
  const tlsOptions = nodeTlsOptions(tls);
  let connections = 0;
  const seen = new WeakSet<object>();

  return {
    get connections() {
      return connections;
    },
    request: ({ method, url, path, headers, body }, signal) =>
      new Promise((resolve, reject) => {
        if (signal.aborted) return reject(signal.reason);
        const isSecure = url.protocol === "https:";
        const request = (isSecure ? https : http).request({
          method,
          protocol: url.protocol,
          hostname: url.hostname.replace(/^\[|\]$/g, ""),
          port: url.port || (isSecure ? 443 : 80),
          path,
          headers: rawHeaders(url, headers, method, body),
          agent: isSecure ? secure : plain,
          ...(isSecure && tlsOptions),
        });
        const abort = () => {
          request.destroy(asError(signal.reason));
          reject(signal.reason);
        };
        signal.addEventListener("abort", abort, { once: true });
        request.on("socket", (socket) => {
          // Deno 2.9.6 sends a request a second time, silently, when a reused connection dies or is
          // destroyed (denoland/deno#36786). It looks at this flag to decide. Without the flag: once.
          (request as { reusedSocket: boolean }).reusedSocket = false;
          if (!seen.has(socket)) {
            seen.add(socket);
            connections++;
            // Deno destroys the socket with the reason of an abort; the request tells it, once is enough.
            socket.on("error", () => {});
          }
        });
        request.on("response", (response) => {
          // The body is aborted through the same signal, until it has ended.
          const over = () => signal.removeEventListener("abort", abort);
          // At the end its connection is another request's: an abort must not destroy that.
          response.once("end", over).once("close", over);
          resolve({ status: response.statusCode ?? 0, headers: response.headers, body: response });
        });
        // Without a listener an upgrade is no answer and no error: the request would never end.
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
      plain.destroy();
      secure.destroy();
    },
  };
}

/** The flat name, value, name, value list of `node:http`: the one form that keeps repeats and order. */
function rawHeaders(
  url: URL,
  headers: readonly (readonly [string, string])[],
  method: string,
  body: Uint8Array,
): string[] {
  const raw = ["Host", url.host];
  for (const [name, value] of headers) raw.push(name, value);
  const bodyless = body.byteLength === 0 && (method === "GET" || method === "HEAD");
  if (!bodyless) raw.push("Content-Length", String(body.byteLength));
  return raw;
}

function asError(reason: unknown): Error {
  return reason instanceof Error ? reason : new Error(String(reason));
}
