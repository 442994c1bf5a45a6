import type { Clock } from "../../async/clock.ts";
import { historyWith } from "../history.ts";
import type { FailedDelivery, StoreSettings } from "../store.ts";
import type { NatsServer } from "./connection.ts";
import type { DeadLetters } from "./dead_letters.ts";
import { acknowledge, extend, giveBack } from "./delivery.ts";
import type { Figures } from "./figures.ts";
import type { Histories } from "./histories.ts";
import type { InHand, Lease } from "./in_hand.ts";
import type { MessageStream } from "./message_stream.ts";
import type { Peers } from "./peers.ts";
import type { Turns } from "./turns.ts";

/** A message that waits is ready this much sooner than we ask for it. */
const earlyMs = 25;

export interface SettlementsOptions {
  readonly server: NatsServer;
  readonly clock: Clock;
  readonly settings: StoreSettings;
  readonly messages: MessageStream;
  readonly histories: Histories;
  readonly dead: DeadLetters;
  readonly peers: Peers;
  readonly turns: Turns;
  readonly hand: InHand;
  readonly figures: Figures;
  /** Something may be ready here. */
  readonly wakeReader: () => void;
}

/** What becomes of the messages that were given out: the methods are those of `Store`. */
export class Settlements {
  readonly #options: SettlementsOptions;
  /** Late acks under way, by message id: whether the message was still there. */
  readonly #claims = new Map<string, Promise<boolean>>();

  constructor(options: SettlementsOptions) {
    this.#options = options;
  }

  /** Whether a late ack that is under way settles the message; undefined when none is. */
  claimed(messageId: string): Promise<boolean> | undefined {
    return this.#claims.get(messageId);
  }

  async claim(messageId: string): Promise<boolean> {
    if (this.#options.hand.isGoing(messageId)) return false;
    const claim = this.#claims.get(messageId);
    if (claim) return await claim.then(() => false);
    const claiming = this.#claim(messageId);
    this.#claims.set(messageId, claiming);
    try {
      return await claiming;
    } finally {
      this.#claims.delete(messageId);
    }
  }

  async #claim(messageId: string): Promise<boolean> {
    const { server, messages, figures } = this.#options;
    return await server.attempt("settle a message", async () => {
      const found = await messages.find(messageId);
      if (!found || !await messages.remove(found)) return false;
      this.gone(messageId, found.lane, found.webhookId);
      figures.tally.delivered++;
      return true;
    });
  }

  async ack(messageId: string): Promise<boolean> {
    return await this.#end(messageId, "settle a message", async (lease) => {
      await this.#settle(lease);
      this.#options.figures.tally.delivered++;
    });
  }

  async extend(messageId: string): Promise<boolean> {
    const { server, hand } = this.#options;
    const lease = hand.lease(messageId);
    if (!lease) return false;
    await server.attempt("extend a lease", () => extend(server, lease.reply));
    return true;
  }

  async release(
    messageId: string,
    delayMs: number,
    why?: FailedDelivery,
    counts = why !== undefined,
  ): Promise<boolean> {
    const { server, clock, settings, histories, peers, turns, hand, wakeReader } = this.#options;
    const lease = hand.end(messageId);
    if (!lease) return false;
    const readyAt = clock.monotonic() + delayMs;
    await server.attempt("give a message back", async () => {
      if (why) {
        const deliveries = lease.message.deliveries - (counts ? 0 : 1);
        const history = historyWith(lease.history, why, counts);
        await histories.keep(messageId, { deliveries, history });
      }
      await giveBack(server, lease.reply, delayMs > 0 ? Math.max(1, delayMs - earlyMs) : 0);
    }).catch(() => {}); // the server gives it out again after the ack wait
    if (settings.lanes.exclusive) turns.block(lease.lane, readyAt);
    turns.promise(lease.lane, readyAt);
    if (delayMs === 0) peers.wake(lease.lane);
    wakeReader();
    return true;
  }

  async bury(messageId: string, failed: FailedDelivery): Promise<boolean> {
    const { dead, figures } = this.#options;
    return await this.#end(messageId, "put a message away", async (lease) => {
      await dead.add(lease.message, historyWith(lease.history, failed), failed.at);
      await this.#settle(lease);
      figures.tally.deadLettered++;
    });
  }

  /** A message is at the server no more, whoever has seen to that: its lane goes on. */
  gone(messageId: string, lane: string, webhookId: string): void {
    const { settings, peers, turns, hand, figures } = this.#options;
    hand.end(messageId);
    figures.tally.remove(webhookId, 0);
    if (!settings.lanes.exclusive) return;
    turns.free(lane);
    peers.wake(lane);
  }

  /**
   * False when it is not leased. Its lane goes on even if the server did not answer: the server knows which message is
   * the next.
   */
  async #end(id: string, what: string, work: (lease: Lease) => Promise<void>): Promise<boolean> {
    const { server, turns, hand } = this.#options;
    const lease = hand.lease(id);
    if (!lease) return false;
    try {
      return await server.attempt(what, () => hand.settle(id, work));
    } catch (error) {
      turns.free(lease.lane);
      throw error;
    }
  }

  async #settle({ message, history, lane, reply }: Lease): Promise<void> {
    const { server, histories } = this.#options;
    await acknowledge(server, reply);
    const { id, webhookId } = message.envelope;
    this.gone(id, lane, webhookId);
    if (history.length > 0) histories.forget(id);
  }
}
