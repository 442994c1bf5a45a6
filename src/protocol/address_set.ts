import { BlockList, isIP } from "node:net";

/** Addresses and networks: "10.0.0.0/8", "::1". */
export interface AddressSet {
  has(address: string): boolean;
}

/** Throws a RangeError that names the entry which is no address and no network. */
export function addressSet(entries: readonly string[]): AddressSet {
  const list = new BlockList();
  for (const entry of entries) {
    const [address = "", prefix] = entry.split("/", 2);
    const family = isIP(address);
    const bits = Number(prefix ?? (family === 4 ? 32 : 128));
    const isBits = /^\d{1,3}$/.test(prefix ?? "0") && bits <= (family === 4 ? 32 : 128);
    if (family === 0 || !isBits) {
      throw new RangeError(
        `${JSON.stringify(entry)} is neither an address nor a network, as 10.0.0.0/8`,
      );
    }
    list.addSubnet(address, bits, family === 4 ? "ipv4" : "ipv6");
  }
  return {
    has(address) {
      const plain = address.replace(/^::ffff:(?=\d+\.)/, "");
      const family = isIP(plain);
      return family !== 0 && list.check(plain, family === 4 ? "ipv4" : "ipv6");
    },
  };
}
