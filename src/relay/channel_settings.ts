import type { Ordering } from "../protocol/ordering.ts";

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
