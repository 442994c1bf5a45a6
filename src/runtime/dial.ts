/** Opens the connection that a request goes over. */
import { connect, isIP, type Socket } from "node:net";
import tls from "node:tls";
import type { Cancel } from "../async/abort.ts";
import { authority, portOf, unbracketed } from "../config/host.ts";
import { connected } from "./connected.ts";
import { ProxyFailure } from "./network_failure.ts";
import { openTunnel, proxyTls } from "./proxy_tunnel.ts";
import { guardedLookup, type Reach } from "./reach.ts";
import { type NodeTlsOptions, nodeTlsOptions } from "./tls.ts";

/** Opens a connection to the server of `url`, TLS included. Rejects with the network's error or the signal's reason. */
export type Dial = (url: URL, signal: Cancel) => Promise<Socket>;

/** A connection that nobody uses is watched over by the system, milliseconds. */
const keepAliveMs = 1_000;

export function createDial(reach: Reach): Dial {
  const { proxy, socketPath, refuses } = reach;
  const secure = nodeTlsOptions(reach.tls);
  const guard = refuses && !proxy ? { lookup: guardedLookup(refuses) } : {};

  return (url, signal) => kept(open(url, signal));

  async function open(url: URL, signal: Cancel): Promise<Socket> {
    if (socketPath !== undefined) return await connected(connect({ path: socketPath }), signal);
    const host = unbracketed(url.hostname);
    const port = portOf(url);
    if (url.protocol === "https:") {
      const socket = proxy && await tunnel(proxy, authority(host, port), signal);
      return await overTls({ ...(socket ? { socket } : guard), ...at(host, port) }, secure, signal);
    }
    if (!proxy) return await connected(connect({ ...guard, ...at(host, port) }), signal);
    try {
      return await toProxy(proxy, signal);
    } catch (error) {
      throw signal.aborted ? error : new ProxyFailure(proxy, error);
    }
  }

  /** A proxy that passes plain requests on. */
  async function toProxy(proxy: URL, signal: Cancel): Promise<Socket> {
    const address = at(unbracketed(proxy.hostname), portOf(proxy));
    if (proxy.protocol === "http:") return await connected(connect(address), signal);
    return await overTls(address, nodeTlsOptions(proxyTls(reach.tls.ca)), signal);
  }

  async function tunnel(proxy: URL, path: string, signal: Cancel): Promise<Socket> {
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
  signal: Cancel,
): Promise<Socket> {
  // The name that is asked for; an address is none (RFC 6066 section 3).
  const servername = isIP(to.host) ? "" : to.host;
  const socket = tls.connect({ servername, ...to, ...options });
  return connected(socket, signal, "secureConnect", to.socket);
}

/** A connection for many requests, none of which waits for the one before to fill a packet. */
async function kept(connecting: Promise<Socket>): Promise<Socket> {
  const socket = await connecting;
  socket.setNoDelay(true);
  socket.setKeepAlive(true, keepAliveMs);
  return socket;
}
