import type { Clock } from "../async/clock.ts";
import { type About, about } from "../protocol/about.ts";
import type { Settlement } from "../protocol/frames.ts";
import type { ChannelSettings } from "./channel_settings.ts";
import type { ObserveRelay } from "./relay_events.ts";
import type { Store, StoredMessage } from "./store.ts";

/** A message with the connector it was given to. */
export interface Handed {
  readonly message: StoredMessage;
  readonly connectorId: string;
}

type Nack = Extract<Settlement, { verdict: "nack" }>;

/** A nack without a delay of its own waits this long, doubled with every delivery up to the cap. */
const nackBaseMs = 1_000;
const nackCapMs = 60_000;
/** What a connector gave back untried waits this long, unless it says otherwise. */
const untriedDelayMs = 1_000;

export interface VerdictsOptions {
  readonly settings: ChannelSettings;
  readonly store: Store;
  readonly clock: Clock;
  readonly observe: ObserveRelay;
}

/** What becomes of a message whose lease has ended: it is gone, given out again, or with the dead letters. */
export class Verdicts {
  readonly #options: VerdictsOptions;

  constructor(options: VerdictsOptions) {
    this.#options = options;
  }

  async ack({ message }: Handed): Promise<void> {
    const which = about(message.envelope);
    await this.#options.store.ack(which.messageId);
    this.acked(which);
  }

  /** The store has it as settled. */
  acked(which: Pick<About, "messageId"> & Partial<About>): void {
    const { observe, settings } = this.#options;
    observe({ type: "relay.acked", channel: settings.name, ...which });
  }

  async nack(
    handed: Handed,
    { messageId, retry, attempted, delayMs, reason }: Nack,
  ): Promise<void> {
    const { settings, observe, store, clock } = this.#options;
    const { message, connectorId } = handed;
    if (!retry) return await this.#bury(handed, reason ?? "rejected by the connector");
    observe({ type: "relay.nacked", channel: settings.name, ...about(message.envelope) });
    if (attempted !== false) return await this.#giveOutAgain(handed, delayMs, reason ?? "nacked");
    const why = reason === undefined ? undefined : { at: clock.now(), connectorId, reason };
    await store.release(messageId, this.#atMostTtl(delayMs ?? untriedDelayMs), why, false);
  }

  /** Nobody has said anything of it. */
  async expired(handed: Handed): Promise<void> {
    await this.#giveOutAgain(handed, 0, "not acknowledged in time");
  }

  /** Its connection has ended. Not counted: ten reconnects say nothing against a message. */
  givenBack({ message }: Handed): void {
    void this.#options.store.release(message.envelope.id, 0);
  }

  async #giveOutAgain(handed: Handed, delayMs: number | undefined, reason: string): Promise<void> {
    const { settings, store, clock } = this.#options;
    const { message: { envelope: { id }, deliveries }, connectorId } = handed;
    if (deliveries >= settings.maxDeliveries) {
      return await this.#bury(handed, `given up after ${deliveries} deliveries: ${reason}`);
    }
    const growing = Math.min(nackCapMs, nackBaseMs * 2 ** Math.min(deliveries - 1, 16));
    const why = { at: clock.now(), connectorId, reason };
    await store.release(id, this.#atMostTtl(delayMs ?? growing), why);
  }

  async #bury({ message, connectorId }: Handed, reason: string): Promise<void> {
    const { settings, store, clock, observe } = this.#options;
    const which = about(message.envelope);
    await store.bury(which.messageId, { at: clock.now(), connectorId, reason });
    observe({ type: "relay.dead_lettered", channel: settings.name, ...which, reason });
  }

  #atMostTtl(delayMs: number): number {
    return Math.min(delayMs, this.#options.settings.ttlMs);
  }
}
