import { Chain, type Link } from "../async/chain.ts";
import type { Clock } from "../async/clock.ts";
import type { Delivery, Finished, Outcome } from "../flow.ts";

export interface DedupLimits {
  /** Finished messages remembered. */
  readonly maxMessages: number;
  /** How long after the relay was told a finished message is remembered, milliseconds. */
  readonly windowMs: number;
}

/** What is known of a message that is finished. */
class Remembered implements Link {
  readonly id: string;
  readonly outcome: Finished["outcome"];
  /** When it was finished or the relay was told, milliseconds since the epoch. */
  at: number;
  isTold: boolean;
  older: this | undefined = undefined;
  newer: this | undefined = undefined;

  constructor({ messageId, outcome, at, confirmed }: Finished) {
    this.id = messageId;
    this.outcome = outcome;
    this.at = at;
    this.isTold = confirmed;
  }
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
  /** Those that are finished, by message id. */
  readonly #finished = new Map<string, Remembered>();
  /** Of them those of which the relay is not known to have been told, in order of finishing. */
  readonly #untold = new Chain<Remembered>();
  /** And the others, in order of telling. */
  readonly #told = new Chain<Remembered>();
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
    for (const finished of remembered) this.#remember(new Remembered(finished));
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
    const finished = this.#finished.get(id);
    if (finished && !(finished.isTold && isReplay(delivery, finished))) {
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
      const at = this.#clock.now();
      this.#remember(new Remembered({ messageId: id, outcome, at, confirmed: false }));
    }
    // Emptied: a table the map had before may still hold it (async/chain.ts).
    for (const copy of copies.splice(0)) copy.settle(outcome);
  }

  /** The relay has been told of these. */
  confirm(messageIds: readonly string[]): void {
    for (const id of messageIds) {
      const finished = this.#finished.get(id);
      if (!finished || finished.isTold) continue;
      this.#untold.remove(finished);
      finished.isTold = true;
      finished.at = this.#clock.now();
      this.#told.add(finished);
    }
  }

  #remember(finished: Remembered): void {
    const before = this.#finished.get(finished.id);
    if (before) this.#chainOf(before).remove(before);
    this.#finished.set(finished.id, finished);
    this.#chainOf(finished).add(finished);
  }

  #forgetOld(): void {
    const { maxMessages, windowMs } = this.#limits;
    const overAt = this.#clock.now() - windowMs;
    const forgotten: string[] = [];
    for (let old = this.#told.oldest; old; old = this.#told.oldest) {
      if (this.#told.size <= maxMessages && old.at > overAt) break;
      forgotten.push(this.#forget(old));
    }
    // A relay that confirms nothing at all must not fill the memory.
    for (let old = this.#untold.oldest; old; old = this.#untold.oldest) {
      if (this.#untold.size <= maxMessages) break;
      forgotten.push(this.#forget(old));
    }
    if (forgotten.length > 0) this.#onForgotten(forgotten);
  }

  #forget(finished: Remembered): string {
    this.#finished.delete(finished.id);
    this.#chainOf(finished).remove(finished);
    return finished.id;
  }

  #chainOf({ isTold }: Remembered): Chain<Remembered> {
    return isTold ? this.#told : this.#untold;
  }
}

/**
 * The relay has put it away as we told it to, and gives it out again: an operator wants it tried again. An old
 * relay, which does not count deliveries, replays nothing, and may forget what it was told.
 */
function isReplay({ envelope }: Delivery, { outcome }: Remembered): boolean {
  return outcome.kind === "rejected" && envelope.deliveryCount !== undefined;
}
