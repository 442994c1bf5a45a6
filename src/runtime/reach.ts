import type { LookupFunction } from "node:net";
import { lookup } from "node:dns";
import type { TlsSettings } from "../config/settings.ts";
import { ForbiddenAddress } from "./network_failure.ts";

/** How a server is reached. */
export interface Reach {
  readonly tls: TlsSettings;
  /** Undefined = directly. User and password are in it where the proxy wants them. */
  readonly proxy?: URL | undefined;
  /** The Unix socket that is connected to in place of host and port. */
  readonly socketPath?: string | undefined;
  /** Asked of every address that a host name resolves to, in the moment it is connected to. */
  readonly refuses?: ((address: string) => boolean) | undefined;
}

/**
 * Resolves a host name for a connection and fails with `ForbiddenAddress` where one of the addresses is refused. What
 * it gives is what is connected to: a name server that changes its answer gains nothing. Not called for a host that is
 * an address itself.
 */
export function guardedLookup(refuses: (address: string) => boolean): LookupFunction {
  return (host, options, callback) =>
    lookup(host, options, (error, found, family) => {
      if (error) return callback(error, found, family);
      const addresses = typeof found === "string" ? [found] : found.map(({ address }) => address);
      const refused = addresses.find(refuses);
      if (refused === undefined) return callback(null, found, family);
      callback(new ForbiddenAddress(host, refused), found, family);
    });
}
