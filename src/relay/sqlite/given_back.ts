import type { Clock } from "../../async/clock.ts";
import { Heap } from "../heap.ts";
import type { Ref } from "./rows.ts";

interface Entry {
  readonly ref: Ref;
  /** On the clock that never jumps. */
  readonly readyAt: number;
}

/** Messages that were handed out and given back: each is ready at its time, then in sequence. */
export class GivenBack {
  readonly #clock: Clock;
  readonly #ready = new Heap<Entry>(({ ref }) => ref.sequence);
  readonly #waiting = new Heap<Entry>(({ readyAt }) => readyAt);
  /** By message id: the database needs no index of ids. An entry of a heap that is not here too is over. */
  readonly #byId = new Map<string, Entry>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  add(ref: Ref, delayMs: number): void {
    const entry = { ref, readyAt: this.#clock.monotonic() + delayMs };
    this.#byId.set(ref.id, entry);
    this.#waiting.push(entry);
  }

  /** The next that is ready. It comes no more, but stays in until it is taken out. */
  next(): Ref | undefined {
    const now = this.#clock.monotonic();
    for (let due = this.#waiting.peek(); due && due.readyAt <= now; due = this.#waiting.peek()) {
      this.#waiting.pop();
      this.#ready.push(due);
    }
    for (let entry = this.#ready.pop(); entry; entry = this.#ready.pop()) {
      if (this.#byId.get(entry.ref.id) === entry) return entry.ref;
    }
    return undefined;
  }

  has(messageId: string): boolean {
    return this.#byId.has(messageId);
  }

  /** Undefined when it is not in. */
  takeOut(messageId: string): Ref | undefined {
    const entry = this.#byId.get(messageId);
    this.#byId.delete(messageId);
    return entry?.ref;
  }

  /** Until the next one becomes ready, or less, milliseconds; undefined when none waits. */
  get readyInMs(): number | undefined {
    const next = this.#waiting.peek();
    return next && Math.max(0, next.readyAt - this.#clock.monotonic());
  }
}
