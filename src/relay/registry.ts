import type { Clock } from "../async/clock.ts";
import { closeCodes } from "../protocol/close_codes.ts";
import { Channel, type ChannelSettings } from "./channel.ts";
import type { ChannelRecord, TokenRecord } from "./directory.ts";
import { laneRule } from "./lane.ts";
import type { ObserveRelay } from "./relay_events.ts";
import type { Stores } from "./store.ts";
import { ChannelTokens, hashOf, newToken, withFileToken } from "./tokens.ts";

/** A channel as configured: its limits, its secret, and the webhook ids that feed it. */
export interface ChannelConfig extends ChannelSettings {
  readonly token: string;
  readonly webhookIds: readonly string[];
}

export interface RegisteredChannel {
  readonly channel: Channel;
  readonly tokens: ChannelTokens;
  readonly webhookIds: readonly string[];
  readonly origin: "file" | "api";
  readonly createdAt: number;
}

/** A channel cannot be made; the message says why. */
export class ChannelExistsError extends Error {
  override readonly name = "ChannelExistsError";
}

const maxDeadLetters = 1_000;
/** Until another relay's channel that could not be opened is tried again. */
const openAgainMs = 1_000;

/**
 * The channels of this relay: those of the webhooks file and those that were made by the admin API. All exist
 * from the start, whether or not a webhook has come.
 */
export class Registry {
  readonly #byName = new Map<string, RegisteredChannel>();
  readonly #byWebhookId = new Map<string, RegisteredChannel>();
  readonly #stores: Stores;
  readonly #clock: Clock;
  readonly #observe: ObserveRelay;
  readonly #timers = new Set<() => void>();
  /** What other relays made and this one has not opened yet, as last heard of. */
  readonly #toOpen = new Map<string, ChannelRecord>();
  #isOpening = false;
  #willOpenAgain = false;
  #isClosed = false;

  private constructor(stores: Stores, clock: Clock, observe: ObserveRelay) {
    this.#stores = stores;
    this.#clock = clock;
    this.#observe = observe;
  }

  /** Rejects with `StoreOpenError` when a channel's messages cannot be read. */
  static async open(
    configs: readonly ChannelConfig[],
    stores: Stores,
    clock: Clock,
    observe: ObserveRelay,
  ): Promise<Registry> {
    const registry = new Registry(stores, clock, observe);
    const remembered = new Map(
      (await stores.directory.load()).map((record) => [record.settings.name, record]),
    );
    for (const { token, webhookIds, ...settings } of configs) {
      const known = remembered.get(settings.name);
      const record: ChannelRecord = {
        settings,
        webhookIds,
        origin: "file",
        createdAt: known?.createdAt ?? clock.now(),
        tokens: withFileToken(known?.tokens ?? [], token),
      };
      await registry.#register(record);
      // Should it not be saved now it is made the same way at the next start.
      stores.directory.save(record).catch(() => {});
    }
    for (const record of remembered.values()) {
      if (record.origin === "api" && !registry.#byName.has(record.settings.name)) {
        await registry.#register(record);
      }
    }
    const stopWatching = await stores.directory.watch?.((record) => registry.#heard(record));
    if (stopWatching) registry.#timers.add(stopWatching);
    return registry;
  }

  get all(): readonly RegisteredChannel[] {
    return [...this.#byName.values()];
  }

  named(name: string): RegisteredChannel | undefined {
    return this.#byName.get(name);
  }

  fedBy(webhookId: string): RegisteredChannel | undefined {
    return this.#byWebhookId.get(webhookId);
  }

  /** Makes a channel that lasts; resolves with its token. Rejects with `ChannelExistsError`. */
  async create(settings: ChannelSettings, webhookIds: readonly string[]): Promise<string> {
    if (this.#byName.has(settings.name) || this.#toOpen.has(settings.name)) {
      throw new ChannelExistsError(`there is a channel ${JSON.stringify(settings.name)} already`);
    }
    const taken = webhookIds.find((id) => this.#byWebhookId.has(id));
    if (taken !== undefined) {
      throw new ChannelExistsError(`the webhook id ${JSON.stringify(taken)} feeds another channel`);
    }
    const token = newToken();
    const record: ChannelRecord = {
      settings,
      webhookIds,
      origin: "api",
      createdAt: this.#clock.now(),
      tokens: [{ hash: hashOf(token), origin: "made" }],
    };
    await this.#stores.directory.save(record);
    await this.#register(record);
    return token;
  }

  /** A new token; the others are good for `graceMs` more, then connections that used them are closed. */
  async rotate(
    { channel, tokens, webhookIds, origin, createdAt }: RegisteredChannel,
    graceMs: number,
  ): Promise<{ readonly token: string; readonly oldUntil: number }> {
    const token = newToken();
    const oldUntil = this.#clock.now() + graceMs;
    const records = tokens.rotated(token, oldUntil);
    await this.#stores.directory.save({
      settings: channel.settings,
      webhookIds,
      origin,
      createdAt,
      tokens: records,
    });
    tokens.replace(records);
    this.#closeOldAt(oldUntil, channel, records);
    return { token, oldUntil };
  }

  /** Ends the connections whose token is no longer good after `at`, then or now if that is over. */
  #closeOldAt(at: number, channel: Channel, records: readonly TokenRecord[]): void {
    const closeOld = () =>
      channel.closeUnless(
        (hash) =>
          records.some((record) => record.hash === hash && (record.expiresAt ?? Infinity) > at),
        closeCodes.badToken,
        "the token was revoked",
      );
    const inMs = at - this.#clock.now();
    if (inMs <= 0) return closeOld();
    this.#after(inMs, closeOld);
  }

  #after(ms: number, callback: () => void): void {
    const cancel = this.#clock.after(ms, () => {
      this.#timers.delete(cancel);
      callback();
    });
    this.#timers.add(cancel);
  }

  /** Another relay made a channel, or rotated its token. */
  #heard(record: ChannelRecord): void {
    const known = this.#byName.get(record.settings.name);
    if (known) return this.#replaceTokens(known, record);
    // What a file says is for the relays that read it.
    if (record.origin !== "api" || this.#isClosed) return;
    this.#toOpen.set(record.settings.name, record);
    void this.#openHeard();
  }

  #replaceTokens({ channel, tokens }: RegisteredChannel, { tokens: records }: ChannelRecord): void {
    tokens.replace(records);
    for (const { expiresAt } of records) {
      if (expiresAt !== undefined) this.#closeOldAt(expiresAt, channel, records);
    }
  }

  /** One after the other; what fails is tried again, until it works or the relay ends. */
  async #openHeard(): Promise<void> {
    if (this.#isOpening) return;
    this.#isOpening = true;
    for (const [channel, record] of this.#toOpen) {
      try {
        await this.#register(record);
        const newest = this.#toOpen.get(channel);
        this.#toOpen.delete(channel);
        // Its token may have been rotated meanwhile.
        if (newest && newest !== record) this.#heard(newest);
      } catch (error) {
        const message = error instanceof Error ? error.message : String(error);
        this.#observe({ type: "relay.store_failed", channel, message });
      }
      if (this.#isClosed) return;
    }
    this.#isOpening = false;
    if (this.#toOpen.size === 0 || this.#willOpenAgain) return;
    this.#willOpenAgain = true;
    this.#after(openAgainMs, () => {
      this.#willOpenAgain = false;
      void this.#openHeard();
    });
  }

  close(): void {
    this.#isClosed = true;
    for (const cancel of this.#timers) cancel();
    for (const { channel } of this.all) channel.close();
  }

  async #register(record: ChannelRecord): Promise<void> {
    const { tokens, webhookIds, origin, createdAt } = record;
    const { maxBodyBytes = Infinity } = this.#stores;
    const settings = {
      ...record.settings,
      maxBodyBytes: Math.min(record.settings.maxBodyBytes, maxBodyBytes),
    };
    const store = await this.#stores.open(settings.name, {
      maxMessages: settings.maxMessages,
      maxBytes: settings.maxQueueBytes,
      maxDeadLetters,
      ackTimeoutMs: settings.ackTimeoutMs,
      ttlMs: settings.ttlMs,
      lanes: laneRule(settings.ordering),
    });
    if (this.#isClosed) return; // the store goes with the others
    const registered = {
      channel: new Channel(settings, store, this.#clock, this.#observe),
      tokens: new ChannelTokens(tokens, this.#clock),
      webhookIds,
      origin,
      createdAt,
    };
    this.#byName.set(settings.name, registered);
    for (const webhookId of webhookIds) this.#byWebhookId.set(webhookId, registered);
  }
}
