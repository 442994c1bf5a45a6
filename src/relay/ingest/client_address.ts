import { isIP } from "node:net";
import type { AddressSet } from "../../protocol/address_set.ts";

/**
 * Who sent a request: the peer, or, where the peer is a trusted proxy, the last in `X-Forwarded-For` that is
 * none. What stands before that anybody could have written.
 */
export function clientAddress(
  peer: string,
  forwardedFor: string | null,
  trustedProxies: AddressSet,
): string {
  let client = peer;
  for (const hop of (forwardedFor ?? "").split(",").map((part) => part.trim()).reverse()) {
    if (!trustedProxies.has(client) || isIP(hop) === 0) return client;
    client = hop;
  }
  return client;
}
