import { isIP } from "node:net";
import type { AddressSet } from "../../protocol/address_set.ts";

/**
 * Who sent a request: the peer, or, where the peer is a trusted proxy, the last in `X-Forwarded-For` that is
 * none. What stands before that anybody could have written. Empty, which is in no network, where a trusted proxy
 * names nobody that can be read.
 */
export function clientAddress(
  peer: string,
  forwardedFor: string | null,
  trustedProxies: AddressSet,
): string {
  let client = peer;
  for (const hop of forwardedFor?.split(",").reverse() ?? []) {
    if (!trustedProxies.has(client)) break;
    client = addressOf(hop.trim());
  }
  return client;
}

/** Of `a.b.c.d`, `a.b.c.d:port`, an IPv6 address, `[v6]` and `[v6]:port`; empty where it is none of them. */
function addressOf(hop: string): string {
  if (isIP(hop) !== 0) return hop;
  const [, v6 = "", v4 = ""] = /^(?:\[(.*)\]|([\d.]*))(?::\d+)?$/.exec(hop) ?? [];
  return isIP(v6) === 6 || isIP(v4) === 4 ? v6 + v4 : "";
}
