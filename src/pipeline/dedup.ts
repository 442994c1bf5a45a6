import type { Clock } from "../async/clock.ts";
import type { Delivery, Outcome } from "../flow.ts";

type Entry =
  | { readonly state: "in_flight"; readonly copies: Delivery[] }
  | { readonly state: "finished"; readonly outcome: Outcome; readonly at: number };

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
  readonly #entries = new Map<string, Entry>();
  readonly #limits: DedupLimits;
  readonly #clock: Clock;
  #finished = 0;

  constructor(limits: DedupLimits, clock: Clock) {
    this.#limits = limits;
    this.#clock = clock;
  }

  /** `new`: the caller runs it and calls `finish`. Otherwise it is settled here, now or later. */
  admit(delivery: Delivery): "new" | "in_flight" | "finished" {
    const { id } = delivery.envelope;
    const entry = this.#entries.get(id);
    switch (entry?.state) {
      case "in_flight":
        entry.copies.push(delivery);
        return "in_flight";
      case "finished":
        if (this.#clock.now() - entry.at < this.#limits.windowMs) {
          delivery.settle(entry.outcome);
          return "finished";
        }
        this.#finished--;
        this.#entries.delete(id);
    }
    this.#entries.set(id, { state: "in_flight", copies: [delivery] });
    return "new";
  }

  /** Settles the first copy and all that came meanwhile. */
  finish(id: string, outcome: Outcome): void {
    const entry = this.#entries.get(id);
    if (entry?.state !== "in_flight") throw new Error(`the message ${id} is not in hand`);
    this.#entries.delete(id);
    if (outcome.kind === "delivered" || outcome.kind === "rejected") {
      this.#entries.set(id, { state: "finished", outcome, at: this.#clock.now() });
      this.#finished++;
      this.#forgetOld();
    }
    for (const copy of entry.copies) copy.settle(outcome);
  }

  /** Insertion order is order of finishing, for the finished ones. */
  #forgetOld(): void {
    const oldest = this.#clock.now() - this.#limits.windowMs;
    for (const [id, entry] of this.#entries) {
      if (entry.state === "in_flight") continue;
      if (this.#finished <= this.#limits.maxMessages && entry.at > oldest) return;
      this.#entries.delete(id);
      this.#finished--;
    }
  }
}
