import { AgedMap } from "../async/aged_map.ts";
import type { Clock } from "../async/clock.ts";
import type { Delivery, Finished, Outcome } from "../flow.ts";

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
  /** The first copy and those that came meanwhile, by message id. */
  readonly #inHand = new Map<string, Delivery[]>();
  /** Finished, and the relay is not known to have been told. In order of finishing. */
  readonly #untold = new AgedMap<Remembered>();
  /** Finished, and the relay told, in that order. */
  readonly #told = new AgedMap<Remembered>();
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
    for (const { messageId, outcome, at, confirmed } of remembered) {
      (confirmed ? this.#told : this.#untold).set(messageId, { outcome, at });
    }
    this.#forgetOld();
  }

  /** `new`: the caller runs it and calls `finish`. Otherwise it is settled here, now or later. */
  admit(delivery: Delivery): "new" | "in_flight" | "finished" {
    const { id } = delivery.envelope;
    const copies = this.#inHand.get(id);
    if (copies) {
      copies.push(delivery);
      return "in_flight";
    }
    this.#forgetOld();
    const told = this.#told.get(id);
    const finished = this.#untold.get(id) ?? (told && !isReplay(delivery, told) ? told : undefined);
    if (finished) {
      delivery.settle(finished.outcome);
      return "finished";
    }
    this.#inHand.set(id, [delivery]);
    return "new";
  }

  /** Settles the first copy and all that came meanwhile. */
  finish(id: string, outcome: Outcome): void {
    const copies = this.#inHand.get(id);
    if (!copies) throw new Error(`the message ${id} is not in hand`);
    this.#inHand.delete(id);
    if (outcome.kind === "delivered" || outcome.kind === "rejected") {
      this.#told.delete(id);
      this.#untold.set(id, { outcome, at: this.#clock.now() });
    }
    for (const copy of copies) copy.settle(outcome);
  }

  /** The relay has been told of these. */
  confirm(messageIds: readonly string[]): void {
    for (const id of messageIds) {
      const finished = this.#untold.get(id);
      if (!finished) continue;
      this.#untold.delete(id);
      this.#told.set(id, { outcome: finished.outcome, at: this.#clock.now() });
    }
  }

  #forgetOld(): void {
    const { maxMessages, windowMs } = this.#limits;
    const oldest = this.#clock.now() - windowMs;
    const forgotten = [
      ...this.#told.forgetOldest(maxMessages, ({ at }) => at <= oldest),
      // A relay that confirms nothing at all must not fill the memory.
      ...this.#untold.forgetOldest(maxMessages),
    ];
    if (forgotten.length > 0) this.#onForgotten(forgotten);
  }
}

/**
 * The relay has put it away as we told it to, and gives it out again: an operator wants it tried again. An old
 * relay, which does not count deliveries, replays nothing, and may forget what it was told.
 */
function isReplay({ envelope }: Delivery, { outcome }: Remembered): boolean {
  return outcome.kind === "rejected" && envelope.deliveryCount !== undefined;
}

interface Remembered {
  readonly outcome: Extract<Outcome, { kind: "delivered" | "rejected" }>;
  readonly at: number;
}
