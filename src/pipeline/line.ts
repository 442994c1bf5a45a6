import { onAbort } from "../async/abort.ts";
import { Chain, type Linked } from "../async/chain.ts";
import type { Clock } from "../async/clock.ts";

interface Waiter extends Linked {
  readonly since: number;
  readonly turnAway: () => void;
}

/** What waiting comes to. */
export type Admitted =
  | { readonly kind: "in"; readonly leave: () => void }
  /** The target is slow, and enough messages wait for it; it is not worth trying again before `delayMs`. */
  | { readonly kind: "full"; readonly delayMs: number };

/** When somebody has waited this long the target is slow, milliseconds. */
const slowAfterMs = 250;
const minDelayMs = 2_000;
const maxDelayMs = 60_000;

/**
 * Those that wait for a place at a target. As long as it goes quickly everybody may; when the target is slow no
 * more than `maxWaiting` do, and the rest is turned away: they would fill the connector and keep the webhooks of
 * other targets out.
 */
export class Line {
  readonly #maxWaiting: number;
  readonly #clock: Clock;
  readonly #waiting = new Chain<Waiter>();
  #isSlow = false;
  #cancelLook = () => {};

  constructor(maxWaiting: number, clock: Clock) {
    this.#maxWaiting = maxWaiting;
    this.#clock = clock;
  }

  /** Waits for what `acquire` gives. Rejects with the signal's reason. */
  async wait(
    acquire: (signal: AbortSignal) => Promise<() => void>,
    signal: AbortSignal,
  ): Promise<Admitted> {
    if (this.#isSlow && this.#waiting.size >= this.#maxWaiting) return this.#full();
    const mine = new AbortController();
    const waiter: Waiter = {
      since: this.#clock.monotonic(),
      turnAway: () => mine.abort(turnedAway),
      older: undefined,
      newer: undefined,
    };
    const forget = onAbort(signal, () => mine.abort(signal.reason));
    this.#waiting.add(waiter);
    if (this.#waiting.size === 1) this.#lookLater();
    try {
      return { kind: "in", leave: await acquire(mine.signal) };
    } catch (error) {
      if (error === turnedAway) return this.#full();
      throw error;
    } finally {
      forget();
      this.#waiting.remove(waiter);
      if (this.#waiting.size === 0) this.#end();
    }
  }

  #lookLater(): void {
    this.#cancelLook = this.#clock.after(slowAfterMs, () => {
      if (this.#oldestMs() >= slowAfterMs) {
        this.#isSlow = true;
        for (const { turnAway } of [...this.#waiting].slice(this.#maxWaiting)) turnAway();
      }
      this.#lookLater();
    });
  }

  #oldestMs(): number {
    const oldest = this.#waiting.oldest;
    return oldest ? this.#clock.monotonic() - oldest.since : 0;
  }

  #full(): Admitted {
    const delayMs = Math.min(maxDelayMs, Math.max(minDelayMs, 2 * this.#oldestMs()));
    return { kind: "full", delayMs };
  }

  #end(): void {
    this.#isSlow = false;
    this.#cancelLook();
  }
}

const turnedAway = new Error("enough wait already");
