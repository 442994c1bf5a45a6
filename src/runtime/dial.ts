/** Opens the connection that a request goes over. */
import { connect, isIP, type Socket } from "node:net";
import tls from "node:tls";
import { portOf, unbracketed } from "../config/host.ts";
import { ProxyFailure } from "./network_failure.ts";
import { authority, openTunnel } from "./proxy_tunnel.ts";
import { guardedLookup, type Reach } from "./reach.ts";
import { type NodeTlsOptions, nodeTlsOptions } from "./tls.ts";

/** Opens a connection to the server of `url`, TLS included. Rejects with the network's error or the signal's reason. */
export type Dial = (url: URL, signal: AbortSignal) => Promise<Socket>;

/** A connection that nobody uses is watched over by the system, milliseconds. */
const keepAliveMs = 1_000;

export function createDial(reach: Reach): Dial {
  const { proxy, socketPath, refuses } = reach;
  const secure = nodeTlsOptions(reach.tls);
  const guard = refuses && !proxy ? { lookup: guardedLookup(refuses) } : {};

  return async (url, signal) => {
    if (socketPath !== undefined) {
      return await opened(connect({ path: socketPath }), "connect", signal);
    }
    const host = unbracketed(url.hostname);
    const port = portOf(url);
    if (url.protocol === "https:") {
      const socket = proxy && await tunnel(proxy, authority(host, port), signal);
      return await overTls({ ...(socket ? { socket } : guard), ...at(host, port) }, secure, signal);
    }
    if (!proxy) return await opened(connect({ ...guard, ...at(host, port) }), "connect", signal);
    try {
      return await toProxy(proxy, signal);
    } catch (error) {
      throw signal.aborted ? error : new ProxyFailure(proxy, error);
    }
  };

  /** A proxy that passes plain requests on; its own TLS has the CA beside the roots, and no client certificate. */
  async function toProxy(proxy: URL, signal: AbortSignal): Promise<Socket> {
    const address = at(unbracketed(proxy.hostname), portOf(proxy));
    if (proxy.protocol === "http:") return await opened(connect(address), "connect", signal);
    const { ca } = reach.tls;
    const settings = { verify: true, ca, cert: undefined, key: undefined };
    return await overTls(address, nodeTlsOptions(settings), signal);
  }

  async function tunnel(proxy: URL, path: string, signal: AbortSignal): Promise<Socket> {
    try {
      return await openTunnel(proxy, reach.tls.ca, path, signal);
    } catch (error) {
      throw signal.aborted ? signal.reason : error;
    }
  }
}

function at(host: string, port: number) {
  return { host, port };
}

function overTls(
  to: { readonly host: string; readonly port: number; readonly socket?: Socket },
  options: NodeTlsOptions,
  signal: AbortSignal,
): Promise<Socket> {
  // The name that is asked for; an address is none (RFC 6066 section 3).
  const servername = isIP(to.host) ? "" : to.host;
  return opened(tls.connect({ servername, ...to, ...options }), "secureConnect", signal, to.socket);
}

function opened(
  socket: Socket,
  event: "connect" | "secureConnect",
  signal: AbortSignal,
  beneath?: Socket,
): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const failed = (error: unknown) => {
      signal.removeEventListener("abort", abort);
      socket.destroy();
      beneath?.destroy();
      reject(error);
    };
    const abort = () => failed(signal.reason);
    const closed = () => failed(new Error("connection closed"));
    // It stays: Deno destroys a socket with the reason of an abort and says so once more.
    socket.on("error", failed);
    socket.once("close", closed);
    beneath?.once("close", closed);
    if (signal.aborted) return abort();
    signal.addEventListener("abort", abort, { once: true });
    socket.once(event, () => {
      signal.removeEventListener("abort", abort);
      socket.off("close", closed);
      beneath?.off("close", closed);
      socket.setNoDelay(true);
      socket.setKeepAlive(true, keepAliveMs);
      resolve(socket);
    });
  });
}
