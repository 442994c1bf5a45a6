import { unbracketed } from "./host.ts";
import type { ListenAddress } from "./settings.ts";

/** No server is to listen. */
export function isOff(given: string): boolean {
  return given.toLowerCase() === "off";
}

/** HOST:PORT, an IPv6 host in brackets; undefined when it is not one. */
export function parseListen(given: string): ListenAddress | undefined {
  const parts = /^([^:]+|\[[0-9A-Fa-f:.]+\]):(\d{1,5})$/.exec(given);
  const port = Number(parts?.[2]);
  if (!parts?.[1] || port > 65_535) return undefined;
  return { hostname: unbracketed(parts[1]), port };
}
