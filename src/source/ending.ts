import { onAbort } from "../async/abort.ts";
import type { Clock } from "../async/clock.ts";
import type { Lifetime } from "../flow.ts";

/** After `abort`: how long the last settlements may take to reach the relay, milliseconds. */
const flushMs = 2_000;

/**
 * When the source may stop: as soon as it is draining and nothing is left to settle or to tell the relay,
 * or a moment after `abort`, told or not.
 */
export class Ending {
  readonly #stop = new AbortController();
  readonly #life: Lifetime;
  readonly #isIdle: () => boolean;
  #cleanups: (() => void)[] = [];

  constructor(life: Lifetime, isIdle: () => boolean, clock: Clock) {
    this.#life = life;
    this.#isIdle = isIdle;
    this.#cleanups.push(
      onAbort(life.drain, () => this.check()),
      onAbort(life.abort, () => {
        this.#cleanups.push(clock.after(flushMs, () => this.#stop.abort()));
        this.check();
      }),
    );
  }

  get stop(): AbortSignal {
    return this.#stop.signal;
  }

  get draining(): boolean {
    return this.#life.drain.aborted;
  }

  /** To be called whenever something was settled or confirmed. */
  check(): void {
    if (this.draining && this.#isIdle()) this.#stop.abort();
  }

  dispose(): void {
    for (const cleanup of this.#cleanups) cleanup();
  }
}
