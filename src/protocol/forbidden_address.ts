import { BlockList, isIP } from "node:net";

/** Where no relay can be, but where a request with a token could do harm. */
const forbidden = new BlockList();
forbidden.addSubnet("0.0.0.0", 8, "ipv4"); // this host
forbidden.addSubnet("169.254.0.0", 16, "ipv4"); // link-local, cloud metadata
forbidden.addAddress("100.100.100.200", "ipv4"); // metadata of another cloud
forbidden.addAddress("168.63.129.16", "ipv4"); // and of another
forbidden.addSubnet("224.0.0.0", 4, "ipv4"); // multicast
forbidden.addSubnet("240.0.0.0", 4, "ipv4"); // reserved, broadcast
forbidden.addAddress("::", "ipv6");
forbidden.addSubnet("fe80::", 10, "ipv6"); // link-local
forbidden.addSubnet("ff00::", 8, "ipv6"); // multicast
forbidden.addAddress("fd00:ec2::254", "ipv6"); // metadata

/**
 * True for an IP address that a relay must not be at: unspecified, link-local, multicast, reserved, or a
 * cloud's metadata service; an IPv4 address inside an IPv6 one counts as the IPv4 one.
 */
export function isForbiddenAddress(ip: string): boolean {
  const address = ip.split("%", 1)[0] ?? "";
  if (isIP(address) === 4) return forbidden.check(address, "ipv4");
  if (isIP(address) !== 6) return false;
  const inner = innerIpv4(address);
  return inner === undefined ? forbidden.check(address, "ipv6") : forbidden.check(inner, "ipv4");
}

/** The IPv4 address in ::ffff:a.b.c.d or 64:ff9b::a.b.c.d, in whichever spelling. */
function innerIpv4(address: string): string | undefined {
  const { hostname } = new URL(`http://[${address}]/`);
  const hex = /^\[(?:::ffff:|64:ff9b::)([0-9a-f]{1,4}):([0-9a-f]{1,4})\]$/.exec(hostname);
  if (!hex) return undefined;
  const high = parseInt(hex[1] ?? "0", 16);
  const low = parseInt(hex[2] ?? "0", 16);
  return [high >> 8, high & 255, low >> 8, low & 255].join(".");
}
