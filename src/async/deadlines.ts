import { Chain, type Linked } from "./chain.ts";
import type { Clock } from "./clock.ts";

/** What has so much time, and stands nowhere or among the deadlines. */
export interface Due extends Linked {
  /** On the clock that never jumps. */
  endsAt: number;
}

/**
 * The same time, milliseconds, for each of a kind. They end in the order in which they began, so that one timer serves
 * them all.
 */
export class Deadlines<D extends Due> {
  readonly #ms: number;
  readonly #clock: Clock;
  readonly #onOver: (one: D) => void;
  readonly #waiting = new Chain<D>();
  #cancel: (() => void) | undefined;
  #isStopped = false;
  // The same for all timers.
  readonly #look = () => this.#endDue();

  /** `onOver` is called with each whose time is over. */
  constructor(ms: number, clock: Clock, onOver: (one: D) => void) {
    this.#ms = ms;
    this.#clock = clock;
    this.#onOver = onOver;
  }

  /** The time of one that stands nowhere begins. */
  begin(one: D): void {
    one.endsAt = this.#clock.monotonic() + this.#ms;
    this.#waiting.add(one);
    if (this.#cancel === undefined) this.#lookIn(this.#ms);
  }

  /** Its time does not count any more, if it is not over. */
  end(one: D): void {
    this.#waiting.remove(one);
    if (this.#waiting.size === 0) this.#disarm();
  }

  /** `onOver` is not called any more. */
  stop(): void {
    this.#isStopped = true;
    this.#disarm();
  }

  #endDue(): void {
    this.#cancel = undefined;
    const now = this.#clock.monotonic();
    for (let one = this.#waiting.oldest; one && !this.#isStopped; one = this.#waiting.oldest) {
      if (one.endsAt > now) return this.#lookIn(one.endsAt - now);
      this.#waiting.remove(one);
      this.#onOver(one);
    }
  }

  #lookIn(ms: number): void {
    this.#disarm();
    if (!this.#isStopped) this.#cancel = this.#clock.after(ms, this.#look);
  }

  #disarm(): void {
    this.#cancel?.();
    this.#cancel = undefined;
  }
}
