import { lookup } from "node:dns/promises";
import { isIP } from "node:net";
import { StreamFailure } from "../flow.ts";
import { isForbiddenAddress } from "../protocol/forbidden_address.ts";

/**
 * Refuses a relay whose name resolves to a link-local or cloud-metadata address. The name is looked up here
 * and again by the connection itself, so a name server that changes its answer in between is not caught.
 */
export async function assertAllowedAddress(url: URL): Promise<void> {
  const host = url.hostname.replace(/^\[|\]$/g, "");
  if (isIP(host)) return refuseForbidden(host, host);
  let addresses: { address: string }[];
  try {
    addresses = await lookup(host, { all: true });
  } catch {
    return; // The connection will fail on it too, with the better message.
  }
  for (const { address } of addresses) refuseForbidden(host, address);
}

function refuseForbidden(host: string, address: string): void {
  if (!isForbiddenAddress(address)) return;
  throw new StreamFailure(
    "rejected",
    `will not connect to the relay ${JSON.stringify(host)}: it resolves to ${address}, ` +
      "a link-local, metadata or otherwise reserved address",
  );
}
