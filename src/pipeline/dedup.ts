import type { Clock } from "../async/clock.ts";
import type { Delivery, Outcome } from "../flow.ts";

export interface DedupLimits {
  /** Finished messages remembered. */
  readonly maxMessages: number;
  /** How long a finished message is remembered, milliseconds. */
  readonly windowMs: number;
}

/**
 * Knows the messages in hand and those finished lately. A copy of one in hand gets that one's outcome; a copy
 * of a finished one gets the same outcome again; what was exhausted or abandoned is forgotten, so that a
 * redelivery really tries again.
 */
export class Dedup {
  /** The first copy and those that came meanwhile, by message id. */
  readonly #inHand = new Map<string, Delivery[]>();
  /** In order of finishing. */
  readonly #finished = new Map<string, { outcome: Outcome; at: number }>();
  readonly #limits: DedupLimits;
  readonly #clock: Clock;

  constructor(limits: DedupLimits, clock: Clock) {
    this.#limits = limits;
    this.#clock = clock;
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
    const finished = this.#finished.get(id);
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
      this.#finished.set(id, { outcome, at: this.#clock.now() });
    }
    for (const copy of copies) copy.settle(outcome);
  }

  #forgetOld(): void {
    const oldest = this.#clock.now() - this.#limits.windowMs;
    for (const [id, { at }] of this.#finished) {
      if (this.#finished.size <= this.#limits.maxMessages && at > oldest) return;
      this.#finished.delete(id);
    }
  }
}
