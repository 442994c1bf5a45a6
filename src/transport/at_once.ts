import type { Clock } from "../async/clock.ts";

/** Until more is asked for again, milliseconds: what broke an answer off may still be there. */
const againMs = 3_600_000;

/**
 * How many messages a poll asks for. An answer may be more than we, or a proxy on the way, let through: with fewer of
 * them there is one that comes whole.
 */
export class AtOnce {
  readonly #most: number;
  readonly #clock: Clock;
  #messages: number;
  /** On the clock that never jumps. */
  #changedAt = 0;

  constructor(most: number, clock: Clock) {
    this.#most = most;
    this.#clock = clock;
    this.#messages = most;
  }

  get messages(): number {
    const now = this.#clock.monotonic();
    if (this.#messages < this.#most && now - this.#changedAt >= againMs) {
      this.#messages = Math.min(this.#most, 2 * this.#messages);
      this.#changedAt = now;
    }
    return this.#messages;
  }

  /** An answer did not come whole. */
  brokeOff(): void {
    this.#messages = Math.ceil(this.#messages / 2);
    this.#changedAt = this.#clock.monotonic();
  }
}
