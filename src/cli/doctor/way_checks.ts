/** The steps on the way to a server: proxy, name, connection, certificate. */
import { X509Certificate } from "node:crypto";
import { isIP } from "node:net";
import { authority, bareHost, portOf } from "../../config/host.ts";
import type { TlsSettings } from "../../config/settings.ts";
import { isForbiddenAddress } from "../../protocol/forbidden_address.ts";
import { networkFailure, ProxyFailure, speaksNoTls } from "../../runtime/network_failure.ts";
import { addressesOf, canConnect, type Certificate, handshake } from "../../runtime/probe.ts";
import { check, type Finding, type Tell } from "./finding.ts";

export interface Way {
  /** "relay", or "target.NAME": what the findings begin with. */
  readonly name: string;
  readonly url: URL;
  readonly tls: TlsSettings;
  readonly proxy: URL | undefined;
  readonly proxyReason: string;
  readonly socketPath?: string | undefined;
  /** The relay must not be at such an address. */
  readonly refusesForbidden?: boolean;
}

export interface Checking {
  readonly tell: Tell;
  readonly timeoutMs: number;
  /** Milliseconds since the epoch. */
  readonly now: number;
}

/** A certificate that has less than this to live is warned of. */
const warnDays = 21;
const dayMs = 86_400_000;

/** Resolves with whether the server can be spoken with. */
export async function checkWay(way: Way, { tell, timeoutMs, now }: Checking): Promise<boolean> {
  const { name, url, proxy, socketPath } = way;
  if (socketPath !== undefined) {
    return await check(`${name}.socket`, tell, timeoutMs, async (signal) => {
      await canConnect({ path: socketPath }, signal);
      return { status: "ok", detail: `${socketPath} takes connections` };
    }, socketPath);
  }
  tell({
    check: `${name}.proxy`,
    status: "ok",
    detail: `${proxy ? proxy.origin : "direct"}: ${way.proxyReason}`,
  });
  const first = proxy ?? url;
  const host = bareHost(first.hostname);
  const port = portOf(first);
  const whose = proxy ? `the proxy ${host}` : host;
  const blame = (error: unknown): never => {
    throw proxy ? new ProxyFailure(proxy, error) : error;
  };
  const isFound = isIP(host) !== 0 && !isForbiddenAddress(host) ||
    await check(`${name}.dns`, tell, timeoutMs, async () => {
      const addresses = await addressesOf(host).catch(blame);
      const bad = way.refusesForbidden && !proxy && addresses.find(isForbiddenAddress);
      const detail = `${whose} is ${addresses.join(", ")}`;
      if (!bad) return { status: "ok", detail };
      return {
        status: "fail",
        detail: `${detail}: a link-local, metadata or otherwise reserved address`,
        fix: "correct cloud_url, or what the name server says of it",
      };
    }, whose);
  if (!isFound) return false;
  const isOpen = await check(`${name}.tcp`, tell, timeoutMs, async (signal) => {
    await canConnect({ host, port }, signal).catch(blame);
    return { status: "ok", detail: `${whose} takes connections on port ${port}` };
  }, `${proxy ? "the proxy " : ""}${authority(host, port)}`);
  if (!isOpen || url.protocol !== "https:") return isOpen;
  const own = way.tls.cert === undefined
    ? undefined
    : expiring([ownCertificate(way.tls.cert)], now);
  if (own) tell({ check: `${name}.client_cert`, ...own });
  const server = { hostname: bareHost(url.hostname), port: portOf(url) };
  const where = authority(server.hostname, server.port);
  return await check(`${name}.tls`, tell, timeoutMs, async (signal) => {
    const shaken = await handshake(server, way, signal).catch((error: Error) => error);
    if (shaken instanceof Error) {
      if (!speaksNoTls(shaken)) throw shaken;
      return {
        status: "fail",
        detail: `${where}: ${networkFailure(shaken).message}`,
        fix: `use ${url.origin.replace("https", "http")}, or the port that speaks TLS`,
      };
    }
    const { version, chain, refusal } = shaken;
    const detail = `${version}, ${chain.map(named).join(" < ")}`;
    if (refusal && way.tls.verify) {
      return {
        status: "fail",
        detail: `${networkFailure(refusal).message}; ${detail}`,
        fix: "renew the certificate there, or set ca_cert_path or tls_server_name to what it is",
      };
    }
    if (refusal) {
      return {
        status: "warn",
        detail: `not verified, and would not be accepted: ${networkFailure(refusal).message}`,
        fix: "set ca_cert_path to its CA and verify_ssl to true",
      };
    }
    return expiring(chain, now) ?? { status: "ok", detail };
  }, where);
}

/** What to say of the certificate that expires first, when that is soon. */
export function expiring(
  chain: readonly Certificate[],
  now: number,
): Omit<Finding, "check"> | undefined {
  const first = [...chain].sort((a, b) => a.validTo - b.validTo)[0];
  if (!first || first.validTo - now > warnDays * dayMs) return undefined;
  const days = Math.floor((first.validTo - now) / dayMs);
  return days < 0
    ? { status: "fail", detail: `${named(first)} has expired`, fix: "renew it" }
    : { status: "warn", detail: `${named(first)} expires in ${days} days`, fix: "renew it" };
}

function ownCertificate(pem: string): Certificate {
  const { subject, issuer, validTo } = new X509Certificate(pem);
  return { subject, issuer, validTo: Date.parse(validTo) };
}

function named({ subject, validTo }: Certificate): string {
  return `${subject} until ${new Date(validTo).toISOString().slice(0, 10)}`;
}
