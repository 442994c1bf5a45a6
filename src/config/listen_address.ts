import { unbracketed } from "./host.ts";
import type { ListenAddress } from "./settings.ts";

/** No server is to listen. */
export function isOff(given: string): boolean {
  return given.toLowerCase() === "off";
}

/** HOST:PORT, an IPv6 host in brackets, or a port of this machine alone; undefined when it is none of them. */
export function parseListen(given: string): ListenAddress | undefined {
  if (/^\d+$/.test(given)) return parseListen(`127.0.0.1:${given}`);
  const parts = /^([^:]+|\[[0-9A-Fa-f:.]+\]):(\d{1,5})$/.exec(given);
  const port = Number(parts?.[2]);
  if (!parts?.[1] || port > 65_535) return undefined;
  return { hostname: unbracketed(parts[1]), port };
}
