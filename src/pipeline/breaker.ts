import { onAbort } from "../async/abort.ts";
import type { Clock } from "../async/clock.ts";
import type { BreakerSettings } from "../config/settings.ts";

export type BreakerState = "closed" | "open" | "half_open";

/** What `enter` comes to. */
export type Passage =
  | { readonly kind: "pass" }
  /** Too many wait already; it is not worth trying again before `delayMs`. */
  | { readonly kind: "full"; readonly delayMs: number }
  /** Its target is gone: nobody waits for it any more. */
  | typeof retired;

interface Waiter {
  readonly go: (passage: Passage) => void;
}

const pass = { kind: "pass" } as const;
const retired = { kind: "retired" } as const;

/**
 * Keeps attempts away from a target that fails. Open, it holds what comes, up to a bound; then one message
 * probes (half open): if the target takes it all go on, if not it stays open for longer. It only defers:
 * nothing is given up because of it.
 */
export class Breaker {
  readonly #settings: BreakerSettings;
  readonly #clock: Clock;
  #onChange: (state: BreakerState, openMs: number) => void;
  readonly #waiting = new Set<Waiter>();
  /** The last results, true = failed; a ring. */
  readonly #results: boolean[] = [];
  #at = 0;
  #inARow = 0;
  #state: BreakerState = "closed";
  #openMs: number;
  #opensUntil = 0;
  #isProbing = false;
  #isRetired = false;
  #turn = 0;
  /** Requests of several messages that were told of in this turn. */
  #told = new WeakSet<object>();
  #cancel = () => {};

  /** `onChange` is told of every new state, and how long it stays when open. */
  constructor(
    settings: BreakerSettings,
    clock: Clock,
    onChange: (state: BreakerState, openMs: number) => void = () => {},
  ) {
    this.#settings = settings;
    this.#clock = clock;
    this.#onChange = onChange;
    this.#openMs = settings.openMs;
  }

  get state(): BreakerState {
    return this.#state;
  }

  /** Another one with every state. */
  get turn(): number {
    return this.#turn;
  }

  /** Messages that wait for it to close. */
  get held(): number {
    return this.#waiting.size;
  }

  /** While it is not closed: it is not worth trying again before. */
  get delayMs(): number {
    return Math.max(this.#opensUntil - this.#clock.monotonic(), this.#settings.openMs);
  }

  /** Whether an attempt may be made now; if so, its result must be told with `record`. */
  tryEnter(): boolean {
    if (this.#state === "closed") return true;
    if (this.#state === "open" || this.#isProbing || this.#isRetired) return false;
    return this.#isProbing = true;
  }

  /** Resolves when an attempt may be made; it must then be told with `record`. Rejects when aborted. */
  enter(signal: AbortSignal): Promise<Passage> {
    if (signal.aborted) return Promise.reject(signal.reason);
    if (this.tryEnter()) return Promise.resolve(pass);
    if (this.#isRetired) return Promise.resolve(retired);
    if (this.#waiting.size >= this.#settings.maxHeld) {
      return Promise.resolve({ kind: "full", delayMs: this.delayMs });
    }
    return new Promise((resolve, reject) => {
      const waiter: Waiter = {
        go: (passage) => {
          undo();
          this.#waiting.delete(waiter);
          resolve(passage);
        },
      };
      const undo = onAbort(signal, () => {
        this.#waiting.delete(waiter);
        reject(signal.reason);
      });
      this.#waiting.add(waiter);
    });
  }

  /**
   * What an attempt that had entered came to; `undecided`: it was cut off by us. `entered`: the turn it entered in. What
   * fails of those from before says nothing of the probe. `request`: the one it shared with others; it counts once.
   */
  record(
    result: "succeeded" | "failed" | "undecided",
    entered = this.#turn,
    request?: object,
  ): void {
    const isLate = entered !== this.#turn;
    if (this.#state === "half_open" && isLate && result !== "succeeded") return;
    if (request && this.#told.has(request)) return;
    if (request) this.#told.add(request);
    if (result === "undecided") {
      // The probe told nothing: the next one does.
      if (this.#state === "half_open") this.#probe();
      return;
    }
    const failed = result === "failed";
    this.#inARow = failed ? this.#inARow + 1 : 0;
    if (this.#state === "half_open") return failed ? this.#reopen() : this.#close();
    // Those that were under way when it opened say nothing new.
    if (this.#state === "open") return;
    this.#results[this.#at] = failed;
    this.#at = (this.#at + 1) % this.#settings.window;
    if (failed && this.#isTooMuch()) this.#open();
  }

  /**
   * Its target is gone. Nobody waits for it any more, or is told of it, lastly that it is closed; attempts that are under
   * way, and those after them while it is closed, go by it.
   */
  retire(): void {
    this.#isRetired = true;
    for (const waiter of [...this.#waiting]) waiter.go(retired);
    const onChange = this.#onChange;
    this.#onChange = () => {};
    if (this.#state !== "closed") onChange("closed", this.#openMs);
  }

  /** Nothing goes by it any more. */
  close(): void {
    this.retire();
    this.#cancel();
  }

  #isTooMuch(): boolean {
    const { consecutiveFailures, failureRate, window } = this.#settings;
    if (consecutiveFailures === 0) return false;
    if (this.#inARow >= consecutiveFailures) return true;
    if (this.#results.length < window) return false;
    return this.#results.filter(Boolean).length >= failureRate * window;
  }

  #reopen(): void {
    this.#openMs = Math.min(this.#openMs * 2, this.#settings.maxOpenMs);
    this.#open();
  }

  #open(): void {
    this.#change("open");
    this.#isProbing = false;
    this.#opensUntil = this.#clock.monotonic() + this.#openMs;
    this.#cancel = this.#clock.after(this.#openMs, () => {
      this.#change("half_open");
      this.#probe();
    });
  }

  /** Lets one through; when none waits, the next that comes. */
  #probe(): void {
    this.#isProbing = false;
    for (const waiter of this.#waiting) {
      this.#isProbing = true;
      return waiter.go(pass);
    }
  }

  #close(): void {
    this.#results.length = 0;
    this.#at = 0;
    this.#isProbing = false;
    this.#openMs = this.#settings.openMs;
    this.#change("closed");
    for (const waiter of [...this.#waiting]) waiter.go(pass);
  }

  #change(state: BreakerState): void {
    this.#state = state;
    this.#turn++;
    this.#told = new WeakSet();
    this.#onChange(state, this.#openMs);
  }
}
