import type { Clock } from "../async/clock.ts";
import type { Settlement } from "../flow.ts";

/**
 * Keeps nacks back until their time, for a relay that would give the message out again at once: it holds the
 * message for as long as it hears nothing.
 */
export class HeldNacks {
  readonly #clock: Clock;
  readonly #release: (settlement: Settlement) => void;
  readonly #held = new Map<Settlement, () => void>();

  constructor(clock: Clock, release: (settlement: Settlement) => void) {
    this.#clock = clock;
    this.#release = release;
  }

  get size(): number {
    return this.#held.size;
  }

  hold(settlement: Settlement, delayMs: number): void {
    this.#held.set(settlement, this.#clock.after(delayMs, () => this.#let(settlement)));
  }

  /** Lets all go now. */
  flush(): void {
    for (const settlement of [...this.#held.keys()]) this.#let(settlement);
  }

  /** The connection has ended, and with it the relay took its messages back. */
  drop(): void {
    for (const cancel of this.#held.values()) cancel();
    this.#held.clear();
  }

  #let(settlement: Settlement): void {
    this.#held.get(settlement)?.();
    this.#held.delete(settlement);
    this.#release(settlement);
  }
}
