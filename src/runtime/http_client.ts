/**
 * The HTTP client, on `node:http` for both runtimes: it keeps header order, case and repeats, takes TLS settings,
 * proxy and Unix socket per server, checks addresses as it connects, and never sends a request twice.
 */
import http from "node:http";
import https from "node:https";
import { portOf, unbracketed } from "../config/host.ts";
import { ProxyFailure } from "./network_failure.ts";
import { proxyAddress, proxyAuthorization, tunnelled } from "./proxy_tunnel.ts";
import { guardedLookup, type Reach } from "./reach.ts";
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

/** A client with its own connection pool of at most `maxSockets`. One per server, for the connector's life. */
export function createHttpClient(reach: Reach, maxSockets: number): HttpClient {
  const { proxy, socketPath, refuses } = reach;
  const pool = { keepAlive: true, maxSockets, maxFreeSockets: maxSockets };
  const tlsOptions = nodeTlsOptions(reach.tls);
  const plain = proxy?.protocol === "https:" ? new https.Agent(pool) : new http.Agent(pool);
  const secure = new https.Agent({ ...pool, ...tlsOptions });
  const endTunnels = proxy ? tunnelled(secure, proxy, reach.tls.ca) : () => {};
  // The proxy resolves the names of what lies behind it.
  const guard = refuses && !proxy ? { lookup: guardedLookup(refuses) } : {};
  let connections = 0;
  const seen = new WeakSet<object>();

  return {
    get connections() {
      return connections;
    },
    request: (given, signal) =>
      new Promise((resolve, reject) => {
        if (signal.aborted) return reject(signal.reason);
        const { url, body } = given;
        const forwardedBy = url.protocol === "http:" ? proxy : undefined;
        const request = start(given);
        const abort = () => {
          request.destroy(asError(signal.reason));
          reject(signal.reason); // while a tunnel is being opened the request itself tells nothing
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
          const status = response.statusCode ?? 0;
          if (forwardedBy && status === 407) {
            response.destroy();
            return reject(new ProxyFailure(forwardedBy, undefined, status));
          }
          resolve({ status, headers: response.headers, body: response });
        });
        // Without a listener an upgrade is no answer and no error: the request would never end.
        request.on("upgrade", (_response, socket) => {
          signal.removeEventListener("abort", abort);
          socket.destroy();
          reject(new Error("the server answered 101, an upgrade that was not asked for"));
        });
        request.on("error", (error) => {
          signal.removeEventListener("abort", abort);
          if (signal.aborted) return reject(signal.reason);
          reject(forwardedBy ? new ProxyFailure(forwardedBy, error) : error);
        });
        request.end(body);
      }),
    close() {
      endTunnels();
      plain.destroy();
      secure.destroy();
    },
  };

  function start({ method, url, path, headers, body }: HttpRequest): http.ClientRequest {
    const raw = rawHeaders(url, headers, method, body);
    if (socketPath !== undefined) {
      return http.request({ socketPath, method, path, headers: raw, agent: plain });
    }
    if (url.protocol === "https:") {
      return https.request({
        ...tlsOptions,
        ...guard,
        ...{ method, path, headers: raw, agent: secure },
        hostname: unbracketed(url.hostname),
        port: portOf(url),
      });
    }
    if (proxy) {
      const authorization = proxyAuthorization(proxy);
      if (authorization !== undefined) raw.push("Proxy-Authorization", authorization);
      return (proxy.protocol === "https:" ? https : http).request({
        ...proxyAddress(proxy, reach.tls.ca),
        ...{ method, path: `${url.origin}${path}`, headers: raw, agent: plain },
      });
    }
    return http.request({
      ...guard,
      ...{ method, path, headers: raw, agent: plain },
      hostname: unbracketed(url.hostname),
      port: portOf(url),
    });
  }
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
