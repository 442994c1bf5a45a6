/** Connections through an HTTP proxy, by CONNECT (RFC 9110 section 9.3.6). */
import http from "node:http";
import https from "node:https";
import { isIP, type Socket } from "node:net";
import tls from "node:tls";
import { type Cancel, onAbort } from "../async/abort.ts";
import { authority, portOf, unbracketed } from "../config/host.ts";
import type { TlsSettings } from "../config/settings.ts";
import { connected } from "./connected.ts";
import { ProxyFailure } from "./network_failure.ts";
import { nodeTlsOptions } from "./tls.ts";

/** How long a proxy may take to answer a CONNECT. */
const tunnelTimeoutMs = 30_000;

/** Makes every connection of an agent go through the proxy. The result ends those that are being opened. */
export function tunnelled(agent: http.Agent, proxy: URL, ca: string | undefined): () => void {
  const over = new AbortController();
  agent.createConnection = (options, callback) => {
    const { host, port } = options as { host?: string | null; port?: number | string | null };
    openTunnel(proxy, ca, authority(host ?? "localhost", port ?? 80), over.signal)
      .then((socket) =>
        agent instanceof https.Agent ? secured(socket, options, over.signal) : socket
      )
      .then((socket) => callback?.(null, socket), (error) => callback?.(error, undefined as never));
    return undefined;
  };
  return () => over.abort();
}

/** "Basic ..." where the proxy's URL has a user. */
export function proxyAuthorization({ username, password }: URL): string | undefined {
  if (username === "") return undefined;
  const pair = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return `Basic ${Buffer.from(pair).toString("base64")}`;
}

/** What to connect to for a proxy. */
function proxyAddress(proxy: URL, ca: string | undefined): https.RequestOptions {
  const { protocol } = proxy;
  const hostname = unbracketed(proxy.hostname);
  const port = portOf(proxy);
  if (protocol === "http:") return { protocol, hostname, port };
  // Its own name; it would be taken from the Host header, which names what lies behind the proxy.
  const serverName = isIP(hostname) ? "" : hostname;
  return { protocol, hostname, port, ...nodeTlsOptions({ ...proxyTls(ca), serverName }) };
}

/** A proxy's own TLS has the CA beside the roots, and no client certificate. */
export function proxyTls(ca: string | undefined): TlsSettings {
  return { verify: true, ca, cert: undefined, key: undefined };
}

/** Opens a tunnel to `path`, "host:port". Rejects with `ProxyFailure`. */
export function openTunnel(
  proxy: URL,
  ca: string | undefined,
  path: string,
  signal: Cancel,
): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const authorization = proxyAuthorization(proxy);
    const request = (proxy.protocol === "https:" ? https : http).request({
      ...proxyAddress(proxy, ca),
      method: "CONNECT",
      path,
      headers: {
        Host: path,
        ...(authorization !== undefined && { "Proxy-Authorization": authorization }),
      },
      agent: false,
      timeout: tunnelTimeoutMs,
    });
    const cut = (why: unknown) => {
      request.destroy();
      reject(new ProxyFailure(proxy, why));
    };
    const abort = () => cut(new Error("connection closed"));
    const forget = onAbort(signal, abort);
    request.on("timeout", () => cut(new Error("timed out")));
    request.on("error", cut);
    request.on("close", forget);
    request.on("connect", ({ statusCode: status = 0 }, socket: Socket) => {
      forget();
      socket.setTimeout(0);
      if (status >= 200 && status < 300) return resolve(socket);
      socket.destroy();
      reject(new ProxyFailure(proxy, undefined, status));
    });
    request.end();
  });
}

function secured(socket: Socket, options: object, signal: Cancel): Promise<Socket> {
  return connected(tls.connect({ ...options, socket }), signal, "secureConnect", socket);
}
