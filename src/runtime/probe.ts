/** Looks at the way to a server, one step at a time: names, connection, certificates. */
import { lookup } from "node:dns/promises";
import { connect, isIP } from "node:net";
import tls, { type DetailedPeerCertificate } from "node:tls";
import { authority } from "../config/host.ts";
import { connected } from "./connected.ts";
import { openTunnel } from "./proxy_tunnel.ts";
import type { Reach } from "./reach.ts";
import { nodeTlsOptions } from "./tls.ts";

export interface Certificate {
  readonly subject: string;
  readonly issuer: string;
  /** Milliseconds since the epoch. */
  readonly validTo: number;
}

export interface Handshake {
  readonly version: string;
  /** The server's own first. */
  readonly chain: readonly Certificate[];
  /** Why the certificate would not be accepted; undefined = it is. */
  readonly refusal: Error | undefined;
}

/** The addresses of a host; of an address, itself. Rejects with the resolver's error. */
export async function addressesOf(host: string): Promise<readonly string[]> {
  if (isIP(host) !== 0) return [host];
  return (await lookup(host, { all: true })).map(({ address }) => address);
}

/** Connects by TCP or to a Unix socket, and closes. Rejects with the network's error or the signal's reason. */
export async function canConnect(
  to: { readonly host: string; readonly port: number } | { readonly path: string },
  signal: AbortSignal,
): Promise<void> {
  (await connected(connect(to), signal)).destroy();
}

/** Shakes hands without refusing any certificate, so that it can be told what is wrong with it. */
export async function handshake(
  { hostname: host, port = 443 }: { readonly hostname: string; readonly port?: number },
  { tls: settings, proxy }: Reach,
  signal: AbortSignal,
): Promise<Handshake> {
  const socket = proxy
    ? await openTunnel(proxy, settings.ca, authority(host, port), signal)
    : await connected(connect({ host, port }), signal);
  const name = settings.serverName ?? host;
  const secure = tls.connect({
    ...nodeTlsOptions({ ...settings, verify: false }),
    ...(isIP(name) === 0 && { servername: name }),
    socket,
  });
  try {
    await connected(secure, signal, "secureConnect");
    const certificate = secure.getPeerCertificate(true);
    return {
      version: secure.getProtocol() ?? "TLS",
      chain: chainOf(certificate),
      refusal: refusalOf(secure.authorizationError) ?? tls.checkServerIdentity(name, certificate),
    };
  } finally {
    secure.destroy();
    socket.destroy();
  }
}

function chainOf(first: DetailedPeerCertificate): Certificate[] {
  const chain: Certificate[] = [];
  for (let at = first; at?.subject && chain.length < 10; at = at.issuerCertificate) {
    chain.push({
      subject: nameOf(at.subject),
      issuer: nameOf(at.issuer),
      validTo: Date.parse(at.valid_to),
    });
    if (at.issuerCertificate === at || at.issuerCertificate?.raw?.equals(at.raw)) break;
  }
  return chain;
}

function nameOf(name: DetailedPeerCertificate["subject"]): string {
  return [name.CN ?? name.O ?? "a certificate without a name"].flat().join(", ");
}

/** Node's types say Error; both runtimes give the code as a text. */
function refusalOf(authorizationError: unknown): Error | undefined {
  if (!authorizationError) return undefined;
  return authorizationError instanceof Error
    ? authorizationError
    : new Error(String(authorizationError));
}
