import type { TargetSettings } from "../config/settings.ts";
import { addressSet } from "../protocol/address_set.ts";
import { createHttpClient, type HttpClient } from "../runtime/http_client.ts";

/** The client of a target, for the target's life. Connects to no address outside of those that are allowed. */
export function targetClient(target: TargetSettings, maxSockets: () => number): HttpClient {
  const { allowedNetworks, tls, proxy, socketPath } = target;
  const allowed = allowedNetworks && addressSet(allowedNetworks);
  const refuses = allowed && ((address: string) => !allowed.has(address));
  return createHttpClient({ tls, proxy, socketPath, refuses }, maxSockets);
}
