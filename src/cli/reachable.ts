/** Who listens on all addresses is reached at one of them. */
import { hostname } from "node:os";
import { authority, unbracketed } from "../config/host.ts";
import type { ListenAddress } from "../config/settings.ts";

/** HOST:PORT under which this machine reaches who listens there. */
export function fromHere({ hostname, port }: ListenAddress): string {
  return authority(loopbacks.get(hostname) ?? hostname, port);
}

/** The origin under which others reach what listens there. */
export function fromElsewhere(listening: string): string {
  const url = new URL(listening);
  if (loopbacks.has(unbracketed(url.hostname))) url.hostname = hostname();
  return url.origin;
}

/** Of what stands for all addresses. */
const loopbacks = new Map([["0.0.0.0", "127.0.0.1"], ["::", "::1"]]);
