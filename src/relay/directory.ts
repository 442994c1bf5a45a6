import type { ChannelSettings } from "./channel_settings.ts";

/** A token that opens a channel. The token itself is not kept. */
export interface TokenRecord {
  /** SHA-256, hex. */
  readonly hash: string;
  /** `file`: it stands in the webhooks file, and goes when it no longer does. */
  readonly origin: "file" | "made";
  /** Milliseconds since the epoch; undefined = for good. */
  readonly expiresAt?: number;
}

/** What a relay remembers of a channel over a restart. */
export interface ChannelRecord {
  readonly settings: ChannelSettings;
  readonly webhookIds: readonly string[];
  /** `file`: its settings are those of the webhooks file, whenever it is read. */
  readonly origin: "file" | "api";
  readonly createdAt: number;
  readonly tokens: readonly TokenRecord[];
}

/** A channel cannot be made; the message says why. */
export class ChannelExistsError extends Error {
  override readonly name = "ChannelExistsError";
}

/** Where channels and tokens are remembered. */
export interface Directory {
  load(): Promise<readonly ChannelRecord[]>;
  /** Saves a new one. Rejects with `ChannelExistsError` where another relay has one of that name. */
  create(record: ChannelRecord): Promise<void>;
  /** Resolves when it is safe. May reject with `StoreUnavailableError`. */
  save(record: ChannelRecord): Promise<void>;
  /** Hears of what other relays saved, until the result is called; not there where there are no others. */
  watch?(changed: (record: ChannelRecord) => void): Promise<() => void>;
}
