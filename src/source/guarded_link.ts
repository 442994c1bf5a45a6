import type { Clock } from "../async/clock.ts";
import { Watchdog } from "../async/watchdog.ts";
import { type Link, StreamFailure } from "../flow.ts";

/**
 * A link with its watchdog: it counts as dead when nothing is heard for `silenceMs`, measured from now, or
 * when the machine slept.
 */
export class GuardedLink implements Link {
  readonly #controller = new AbortController();
  readonly #watchdog: Watchdog;
  readonly #onHeard: (at: number) => void;

  constructor(silenceMs: number, clock: Clock, onHeard: (at: number) => void) {
    this.#onHeard = onHeard;
    this.#watchdog = new Watchdog(silenceMs, (reason) => {
      const message = reason === "silent"
        ? `nothing was heard from the relay for ${silenceMs / 1000} s`
        : "the clock jumped ahead: the machine was asleep, and the connection is gone";
      this.end(new StreamFailure(reason, message));
    }, clock);
  }

  get abort(): AbortSignal {
    return this.#controller.signal;
  }

  /** The failure this link was ended for, if it was one. */
  get failure(): StreamFailure | undefined {
    const { reason } = this.abort;
    return reason instanceof StreamFailure ? reason : undefined;
  }

  heard(): void {
    this.#onHeard(this.#watchdog.feed());
  }

  /** While we are not reading, silence is ours. */
  pause(): void {
    this.#watchdog.pause();
  }

  resume(): void {
    this.#watchdog.resume();
  }

  /** Ends the link for a failure, or on purpose. The first reason stands. */
  end(reason: StreamFailure | "on_purpose"): void {
    this.#watchdog.stop();
    this.#controller.abort(reason);
  }
}
