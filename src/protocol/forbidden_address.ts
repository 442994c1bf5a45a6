import { BlockList, isIP } from "node:net";

/** Where no relay can be, but where a request with a token could do harm. */
const forbidden = new BlockList();
forbidden.addSubnet("0.0.0.0", 8, "ipv4"); // this host
forbidden.addSubnet("169.254.0.0", 16, "ipv4"); // link-local, cloud metadata
forbidden.addAddress("100.100.100.200", "ipv4"); // metadata of another cloud
forbidden.addAddress("168.63.129.16", "ipv4"); // and of another
forbidden.addAddress("192.0.0.192", "ipv4"); // and of another
forbidden.addSubnet("224.0.0.0", 4, "ipv4"); // multicast
forbidden.addSubnet("240.0.0.0", 4, "ipv4"); // reserved, broadcast
forbidden.addAddress("::", "ipv6");
forbidden.addSubnet("fe80::", 10, "ipv6"); // link-local
forbidden.addSubnet("ff00::", 8, "ipv6"); // multicast
forbidden.addAddress("fd00:ec2::254", "ipv6"); // metadata
forbidden.addAddress("fd20:ce::254", "ipv6"); // of another cloud

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

/** Where an IPv4 address stands behind a prefix, in groups of 16 bits. */
const around = [
  { prefix: [0, 0, 0, 0, 0, 0], at: 6 }, // IPv4-compatible, RFC 4291 section 2.5.5.1
  { prefix: [0, 0, 0, 0, 0, 0xffff], at: 6 }, // IPv4-mapped, section 2.5.5.2
  { prefix: [0x64, 0xff9b, 0, 0, 0, 0], at: 6 }, // NAT64, RFC 6052
  { prefix: [0x64, 0xff9b, 1], at: 6 }, // of a network's own, RFC 8215
  { prefix: [0x2002], at: 1 }, // 6to4, RFC 3056
];

/** The IPv4 address inside an IPv6 one, in whichever spelling. */
function innerIpv4(address: string): string | undefined {
  const groups = groupsOf(address);
  const found = around.find(({ prefix }) => prefix.every((group, i) => groups[i] === group));
  if (!found) return undefined;
  const [high = 0, low = 0] = groups.slice(found.at);
  if (found.at === 6 && high === 0) return undefined; // :: and ::1 are addresses of their own
  return [high >> 8, high & 255, low >> 8, low & 255].join(".");
}

/** Its eight groups of 16 bits. */
function groupsOf(address: string): readonly number[] {
  const plain = new URL(`http://[${address}]/`).hostname.slice(1, -1);
  const [head = [], tail = []] = plain.split("::").map((part) => part.split(":").filter(Boolean));
  const gap = new Array(8 - head.length - tail.length).fill("0");
  return [...head, ...gap, ...tail].map((group) => parseInt(group, 16));
}
