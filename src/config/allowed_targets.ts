/** Where targets may be, for whoever writes the settings but does not choose the targets. */
import { isIP } from "node:net";
import { addressSet } from "../protocol/address_set.ts";
import { bareHost, portOf } from "./host.ts";
import type { TargetPlace } from "./target_url.ts";

export const allowedTargetsRule =
  "hosts (api.internal, *.internal), addresses and networks (10.0.0.0/8, ::1), each but the networks with a port " +
  "where only that is meant (localhost:3000), and unix:/PATH";

/** What the list says of a target: yes, no, or as soon as the addresses of its host are all in these networks. */
export type Permission = boolean | { readonly networks: readonly string[] };

/** `list` is parted by commas. A text is the entry that cannot be read. */
export function permissionOf(
  { url, socketPath, origin }: TargetPlace,
  list: string,
): Permission | string {
  const host = bareHost(url.hostname);
  const port = String(portOf(url));
  const networks: string[] = [];
  let isNamed = false;
  for (const entry of list.split(",").map((one) => one.trim()).filter((one) => one !== "")) {
    if (entry.startsWith("unix:/")) {
      isNamed ||= entry === origin;
      continue;
    }
    if (isNetwork(entry)) {
      networks.push(entry);
      continue;
    }
    const [, bracketed, plain, wanted] =
      /^(?:\[([\da-f:.]+)\]|((?:\*\.)?[a-z0-9_](?:[a-z0-9_.-]*[a-z0-9_])?))(?::(\d{1,5}))?$/i.exec(
        entry,
      ) ?? [];
    const name = (bracketed ?? plain)?.toLowerCase();
    if (name === undefined) return entry;
    if (socketPath !== undefined || (wanted !== undefined && wanted !== port)) continue;
    isNamed ||= name.startsWith("*.")
      ? isIP(host) === 0 && host.endsWith(name.slice(1))
      : host === name;
  }
  if (isNamed || socketPath !== undefined) return isNamed;
  if (isIP(host) !== 0) return addressSet(networks).has(host);
  return networks.length > 0 && { networks };
}

function isNetwork(entry: string): boolean {
  try {
    addressSet([entry]);
    return true;
  } catch {
    return false;
  }
}
