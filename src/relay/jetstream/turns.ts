import { Heap } from "../heap.ts";

/** Until a lane is asked again that should have had something: a server may not know of it yet, or not answer. */
const askAgainMs = 20;

/**
 * Whose turn it is: the lanes that may have something to give out, in the order in which they get it. Its times are
 * those of the clock that never jumps.
 */
export class Turns {
  readonly #waiting = new Set<string>();
  /** Until when a lane is not asked. */
  readonly #blocked = new Map<string, number>();
  /** Lanes that wait later. */
  readonly #due = new Heap<{ lane: string; readyAt: number }>(({ readyAt }) => readyAt);
  /** Lanes that were said to have something, until they have no more. */
  readonly #promised = new Set<string>();

  /** It may have something; behind all others, unless it waits already. */
  add(lane: string): void {
    this.#waiting.add(lane);
  }

  /** It may have something then. */
  addAt(lane: string, readyAt: number): void {
    this.#due.push({ lane, readyAt });
  }

  /** It is said to have something. */
  promise(lane: string): void {
    this.#promised.add(lane);
    this.add(lane);
  }

  /** When the next one becomes ready, or undefined. */
  get nextReadyAt(): number | undefined {
    return this.#due.peek()?.readyAt;
  }

  /** Takes the next lane out of the queue, or gives undefined. */
  next(now: number): string | undefined {
    for (let due = this.#due.peek(); due && due.readyAt <= now; due = this.#due.peek()) {
      this.#due.pop();
      this.add(due.lane);
    }
    for (const lane of this.#waiting) {
      if ((this.#blocked.get(lane) ?? 0) > now) continue;
      this.#blocked.delete(lane);
      this.#waiting.delete(lane);
      return lane;
    }
    return undefined;
  }

  /** It was asked and had nothing. */
  hadNothing(lane: string, now: number): void {
    if (this.#promised.delete(lane)) this.addAt(lane, now + askAgainMs);
  }

  /** One of its messages is leased, or waits until then: the others stay behind it. */
  block(lane: string, until = Infinity): void {
    this.#blocked.set(lane, until);
    this.#waiting.add(lane);
  }

  free(lane: string): void {
    this.#blocked.delete(lane);
    this.#waiting.add(lane);
  }
}
