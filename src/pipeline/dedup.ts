import type { Clock } from "../async/clock.ts";
import type { Delivery, Finished, Outcome } from "../flow.ts";
import { FinishedMessages } from "./finished_messages.ts";

export interface DedupLimits {
  /** Finished messages remembered. */
  readonly maxMessages: number;
  /** How long after the relay was told a finished message is remembered, milliseconds. */
  readonly windowMs: number;
}

/**
 * Knows the messages in hand and those finished lately. A copy of one in hand gets that one's outcome; a copy
 * of a finished one gets the same outcome again; what was exhausted or abandoned is forgotten, so that a
 * redelivery really tries again. The window of a finished one begins when the relay has been told: until then
 * it must be expected again.
 */
export class Dedup {
  /** How the first copy and those that came meanwhile are settled, by message id. What came meanwhile is not kept. */
  readonly #inHand = new Map<string, Delivery["settle"][]>();
  readonly #finished = new FinishedMessages();
  readonly #limits: DedupLimits;
  readonly #clock: Clock;
  readonly #onForgotten: (messageIds: readonly string[]) => void;

  /** `remembered`: what an earlier process finished, oldest first. `onForgotten` hears of ids given up. */
  constructor(
    limits: DedupLimits,
    clock: Clock,
    remembered: readonly Finished[] = [],
    onForgotten: (messageIds: readonly string[]) => void = () => {},
  ) {
    this.#limits = limits;
    this.#clock = clock;
    this.#onForgotten = onForgotten;
    for (const finished of remembered) this.#finished.add(finished);
    this.#forgetOld();
  }

  /**
   * `new`: the caller runs it and calls `finish`. Otherwise it is settled here, later where one is in hand and now where it
   * ended like this before.
   */
  admit(delivery: Delivery): "new" | "in_flight" | "delivered" | "rejected" {
    const { id } = delivery.envelope;
    const copies = this.#inHand.get(id);
    if (copies) {
      copies.push(delivery.settle);
      return "in_flight";
    }
    this.#forgetOld();
    const finished = this.#finished.get(id);
    if (finished && !(finished.confirmed && isReplay(delivery, finished.outcome))) {
      delivery.settle(finished.outcome);
      return finished.outcome.kind === "rejected" ? "rejected" : "delivered";
    }
    this.#inHand.set(id, [delivery.settle]);
    return "new";
  }

  /** Settles the first copy and all that came meanwhile. */
  finish(id: string, outcome: Outcome): void {
    const copies = this.#inHand.get(id);
    if (!copies) throw new Error(`the message ${id} is not in hand`);
    this.#inHand.delete(id);
    if (outcome.kind === "delivered" || outcome.kind === "rejected") {
      const at = this.#clock.now();
      this.#finished.add({ messageId: id, outcome, at, confirmed: false });
    }
    // Emptied: a table the map had before may still hold it (async/chain.ts).
    for (const settle of copies.splice(0)) settle(outcome);
  }

  /** A replay has delivered what was rejected: should it come again, it is acknowledged. */
  replayed(id: string): void {
    const at = this.#clock.now();
    const outcome = { kind: "delivered" } as const;
    this.#finished.add({ messageId: id, outcome, at, confirmed: true });
  }

  /** The relay has been told of these. */
  confirm(messageIds: readonly string[]): void {
    const at = this.#clock.now();
    for (const id of messageIds) this.#finished.confirm(id, at);
  }

  #forgetOld(): void {
    const { maxMessages, windowMs } = this.#limits;
    const forgotten = this.#finished.forgetOld(maxMessages, this.#clock.now() - windowMs);
    if (forgotten.length > 0) this.#onForgotten(forgotten);
  }
}

/**
 * The relay has put it away as we told it to, and gives it out again: an operator wants it tried again. An old
 * relay, which does not count deliveries, replays nothing, and may forget what it was told.
 */
function isReplay({ envelope }: Delivery, outcome: Outcome): boolean {
  return outcome.kind === "rejected" && envelope.deliveryCount !== undefined;
}
