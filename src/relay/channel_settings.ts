import { maxChannelBodyBytes } from "../protocol/limits.ts";
import type { Ordering } from "../protocol/ordering.ts";
import type { Stores } from "./store.ts";

/** What a channel is called, and its limits. */
export interface ChannelSettings {
  readonly name: string;
  readonly ttlMs: number;
  readonly maxMessages: number;
  /** Bodies of messages not settled, bytes. */
  readonly maxQueueBytes: number;
  readonly maxConnections: number;
  readonly maxInFlight: number;
  readonly ackTimeoutMs: number;
  readonly maxDeliveries: number;
  readonly maxBodyBytes: number;
  readonly ordering: Ordering;
  /** SHA-256, hex, of the path below /smee/ at which anybody reads the channel; undefined = nobody. */
  readonly smeePathHash?: string;
}

/** As they are here: with no more than a frame carries and the store takes. */
export function settingsHere(
  settings: ChannelSettings,
  { maxBodyBytes: most = Infinity }: Pick<Stores, "maxBodyBytes">,
): ChannelSettings {
  return { ...settings, maxBodyBytes: Math.min(settings.maxBodyBytes, maxChannelBodyBytes, most) };
}
