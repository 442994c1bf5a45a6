import { onAbort } from "../async/abort.ts";
import type { Clock } from "../async/clock.ts";
import type { Observe } from "../observe/events.ts";

/** Whether messages are taken from the relay. Paused, what is in hand is finished and nothing new is begun. */
export class Pause {
  readonly #clock: Clock;
  readonly #observe: Observe;
  readonly #listeners = new Set<() => void>();
  #until: number | undefined;
  #isPaused = false;
  #cancel = () => {};

  constructor(clock: Clock, observe: Observe) {
    this.#clock = clock;
    this.#observe = observe;
  }

  get isPaused(): boolean {
    return this.#isPaused;
  }

  /** When it ends by itself, milliseconds since the epoch. */
  get until(): number | undefined {
    return this.#until;
  }

  /** `forMs`: it ends by itself after so long. Said again, the new time counts. */
  pause(forMs?: number): void {
    this.#cancel();
    this.#until = forMs === undefined ? undefined : this.#clock.now() + forMs;
    if (forMs !== undefined) this.#cancel = this.#clock.after(forMs, () => this.resume());
    this.#isPaused = true;
    this.#observe({ type: "connector.paused", ...(forMs !== undefined && { forMs }) });
    for (const listener of [...this.#listeners]) listener();
  }

  resume(): void {
    if (!this.#isPaused) return;
    this.#cancel();
    this.#until = undefined;
    this.#isPaused = false;
    this.#observe({ type: "connector.resumed" });
    for (const listener of [...this.#listeners]) listener();
  }

  /** Calls `listener` at every change; the result undoes it. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Resolves when it is not paused, or the signal is aborted. */
  over(signal: AbortSignal): Promise<void> {
    if (!this.#isPaused || signal.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const done = () => {
        forgetChange();
        forgetAbort();
        resolve();
      };
      const forgetChange = this.onChange(() => {
        if (!this.#isPaused) done();
      });
      const forgetAbort = onAbort(signal, done);
    });
  }

  close(): void {
    this.#cancel();
  }
}
