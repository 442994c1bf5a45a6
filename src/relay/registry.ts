import type { Clock } from "../async/clock.ts";
import { closeCodes } from "../protocol/close_codes.ts";
import { Channel } from "./channel.ts";
import { type ChannelSettings, settingsHere } from "./channel_settings.ts";
import { ChannelExistsError, type ChannelRecord } from "./directory.ts";
import { HeardChannels } from "./heard_channels.ts";
import type { ObserveRelay } from "./relay_events.ts";
import { type Store, StoreOpenError, type Stores, StoreUnavailableError } from "./store.ts";
import { storeSettings } from "./store_settings.ts";
import { ChannelTokens, hashOf, newToken, type RotatedToken, withFileToken } from "./tokens.ts";

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
  /** The webhooks file names it no more: it takes nothing and gives nothing out until it is empty. */
  readonly hasLeft: boolean;
}

/**
 * The channels of this relay: those of the webhooks file and those that were made by the admin API. All exist
 * from the start, whether or not a webhook has come.
 */
export class Registry {
  readonly #byName = new Map<string, RegisteredChannel>();
  readonly #byWebhookId = new Map<string, RegisteredChannel>();
  readonly #bySmeePathHash = new Map<string, RegisteredChannel>();
  readonly #byConnectionId = new Map<string, Channel>();
  readonly #stores: Stores;
  readonly #clock: Clock;
  readonly #observe: ObserveRelay;
  readonly #heard: HeardChannels;
  /** The webhook ids of the channels that are being made here, by name. */
  readonly #making = new Map<string, readonly string[]>();
  #stopWatching = () => {};
  #isClosed = false;

  private constructor(stores: Stores, clock: Clock, observe: ObserveRelay) {
    this.#stores = stores;
    this.#clock = clock;
    this.#observe = observe;
    this.#heard = new HeardChannels({
      clock,
      open: async (record) => this.#add(record, await this.#open(record)),
      changed: (record) => this.#changed(record),
      onFailed: (channel, error) => this.#failed(channel, error),
    });
  }

  /** Rejects with `StoreOpenError` when a channel's messages cannot be read. */
  static async open(
    configs: readonly ChannelConfig[],
    stores: Stores,
    clock: Clock,
    observe: ObserveRelay,
  ): Promise<Registry> {
    const registry = new Registry(stores, clock, observe);
    await registry.#openAll(configs).catch((error) => {
      registry.close();
      if (!(error instanceof StoreUnavailableError)) throw error;
      const { message, advice } = error;
      throw new StoreOpenError(advice === undefined ? message : `${message}; ${advice}`);
    });
    return registry;
  }

  async #openAll(configs: readonly ChannelConfig[]): Promise<void> {
    const { directory } = this.#stores;
    const remembered = new Map(
      (await directory.load()).map((record) => [record.settings.name, record]),
    );
    for (const { token, webhookIds, ...settings } of configs) {
      const known = remembered.get(settings.name);
      const record: ChannelRecord = {
        settings,
        webhookIds,
        origin: "file",
        createdAt: known?.createdAt ?? this.#clock.now(),
        tokens: withFileToken(known?.tokens ?? [], token),
      };
      this.#add(record, await this.#open(record));
      // Should it not be saved now it is made the same way at the next start.
      directory.save(record).catch(() => {});
    }
    for (const record of remembered.values()) {
      if (this.#byName.has(record.settings.name)) continue;
      try {
        if (record.origin === "api") this.#add(record, await this.#open(record));
        else await this.#addLeft(record);
      } catch (error) {
        if (record.origin === "api" && !directory.watch) throw error;
        // One that left, or that other relays may serve, keeps nobody from starting.
        this.#failed(record.settings.name, error);
        if (record.origin === "api") this.#heard.add(record);
      }
    }
    this.#stopWatching = await directory.watch?.((record) => this.#changed(record)) ?? (() => {});
  }

  /** What was answered 202 there is not forgotten: it becomes dead letters in its time, and shows until then. */
  async #addLeft(record: ChannelRecord): Promise<void> {
    const { smeePathHash: _, ...settings } = record.settings;
    const store = await this.#open(record);
    const { queued: messages } = store.stats(this.#clock.now());
    if (messages === 0 && (await store.deadLetters(1)).length === 0) return;
    this.#observe({ type: "relay.channel_left", channel: settings.name, messages });
    this.#add({ ...record, settings, webhookIds: [], tokens: [] }, store, true);
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

  /** The first with that path. */
  readAt(smeePathHash: string): RegisteredChannel | undefined {
    return this.#bySmeePathHash.get(smeePathHash);
  }

  /** That of a connection which is open or still has leases. */
  withConnection(connectionId: string): RegisteredChannel | undefined {
    const channel = this.#byConnectionId.get(connectionId);
    return channel && this.#byName.get(channel.settings.name);
  }

  /**
   * Makes a channel that lasts, with what one that left the file under its name still holds; resolves with its token.
   * Rejects with `ChannelExistsError`.
   */
  async create(settings: ChannelSettings, webhookIds: readonly string[]): Promise<string> {
    const { name } = settings;
    const known = this.#byName.get(name);
    // Where there are other relays it may be in their files.
    const isTaken = known && (!known.hasLeft || this.#stores.directory.watch);
    if (isTaken || this.#heard.has(name) || this.#making.has(name)) {
      throw new ChannelExistsError(`there is a channel ${JSON.stringify(name)} already`);
    }
    const taken = webhookIds.find((id) => this.#isTaken(id));
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
    this.#making.set(name, webhookIds);
    this.#byName.delete(name); // one that left makes place
    try {
      // Opened first: what cannot be opened leaves nothing behind.
      const store = await this.#open(record);
      await this.#stores.directory.create(record);
      this.#add(record, store);
    } catch (error) {
      if (known) this.#byName.set(name, known);
      throw error;
    } finally {
      this.#making.delete(name);
    }
    return token;
  }

  #isTaken(webhookId: string): boolean {
    return this.#byWebhookId.has(webhookId) || this.#heard.isFedBy(webhookId) ||
      [...this.#making.values()].some((ids) => ids.includes(webhookId));
  }

  /** A new token; the others are good for `graceMs` more, then connections that used them are closed. */
  rotate(
    { channel: { settings }, tokens, webhookIds, origin, createdAt }: RegisteredChannel,
    graceMs: number,
  ): Promise<RotatedToken> {
    const { directory } = this.#stores;
    const kept = { settings, webhookIds, origin, createdAt };
    return tokens.rotate(graceMs, (tokens) => directory.save({ ...kept, tokens }));
  }

  /** Another relay made a channel, or rotated its token. */
  #changed(record: ChannelRecord): void {
    const known = this.#byName.get(record.settings.name);
    if (!known) {
      // What a file says is for the relays that read it.
      if (record.origin === "api") this.#heard.add(record);
      return;
    }
    if (!known.hasLeft) known.tokens.replace(record.tokens);
  }

  #failed(channel: string, error: unknown): void {
    const message = error instanceof Error ? error.message : String(error);
    this.#observe({ type: "relay.store_failed", channel, message });
  }

  close(): void {
    this.#isClosed = true;
    this.#heard.stop();
    this.#stopWatching();
    for (const { channel, tokens } of this.all) {
      tokens.stop();
      channel.close();
    }
  }

  #open(record: ChannelRecord): Promise<Store> {
    const settings = settingsHere(record.settings, this.#stores);
    return this.#stores.open(settings.name, storeSettings(settings));
  }

  #add(record: ChannelRecord, store: Store, hasLeft = false): void {
    if (this.#isClosed) return; // the store goes with the others
    const { tokens, webhookIds, origin, createdAt } = record;
    const settings = settingsHere(record.settings, this.#stores);
    const channel = new Channel(settings, store, this.#clock, this.#observe, this.#byConnectionId);
    const closeOthers = (isGood: (tokenHash: string) => boolean) =>
      channel.closeUnless(isGood, closeCodes.badToken, "the token was revoked");
    const registered = {
      channel,
      tokens: new ChannelTokens(tokens, this.#clock, closeOthers),
      ...{ webhookIds, origin, createdAt, hasLeft },
    };
    const { name, smeePathHash } = settings;
    this.#byName.set(name, registered);
    if (smeePathHash !== undefined && !this.#bySmeePathHash.has(smeePathHash)) {
      this.#bySmeePathHash.set(smeePathHash, registered);
    }
    for (const webhookId of new Set(webhookIds)) {
      const by = this.#byWebhookId.get(webhookId)?.channel.settings.name;
      if (by === undefined) this.#byWebhookId.set(webhookId, registered);
      else this.#observe({ type: "relay.webhook_id_taken", channel: name, webhookId, by });
    }
  }
}
