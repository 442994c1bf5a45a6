import type { Clock } from "./clock.ts";

export type WatchdogReason = "silent" | "clock_jump";

/** A wall clock that moved this much more than the timer did means the machine slept. */
const jumpToleranceMs = 15_000;

/**
 * Calls `onExpire` once when `feed` was not called for `timeoutMs`, counted from construction, or
 * when the wall clock jumped ahead (the machine slept: whatever was connected is gone). Feeding is
 * one assignment; a single timer checks now and then.
 */
export class Watchdog {
  readonly #clock: Clock;
  readonly #timeoutMs: number;
  readonly #tickMs: number;
  readonly #onExpire: (reason: WatchdogReason) => void;
  #fedAt: number;
  #tickAt: number;
  #paused = false;
  #cancel: () => void;

  constructor(timeoutMs: number, onExpire: (reason: WatchdogReason) => void, clock: Clock) {
    this.#clock = clock;
    this.#timeoutMs = timeoutMs;
    this.#tickMs = Math.min(timeoutMs / 4, 5_000);
    this.#onExpire = onExpire;
    this.#fedAt = clock.monotonic();
    this.#tickAt = clock.now();
    this.#cancel = clock.after(this.#tickMs, () => this.#tick());
  }

  /** The result is when that was, on the clock that never jumps. */
  feed(): number {
    return this.#fedAt = this.#clock.monotonic();
  }

  /** While paused silence does not count: it is we who are not listening. */
  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    this.feed();
  }

  stop(): void {
    this.#cancel();
  }

  #tick(): void {
    const now = this.#clock.now();
    const jumped = now - this.#tickAt > this.#tickMs + jumpToleranceMs;
    this.#tickAt = now;
    if (jumped) return this.#onExpire("clock_jump");
    const silentMs = this.#clock.monotonic() - this.#fedAt;
    if (!this.#paused && silentMs >= this.#timeoutMs) return this.#onExpire("silent");
    this.#cancel = this.#clock.after(this.#tickMs, () => this.#tick());
  }
}
