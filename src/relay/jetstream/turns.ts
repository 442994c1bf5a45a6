import { Heap } from "../heap.ts";

/**
 * Until a lane is asked again that should have had something, each time it has not: a server may not know of it yet, or
 * not answer. What does not come then is left to the store's sweeps.
 */
const askAgainMs = [20, 80, 320];

/** What a lane was said to have. */
interface Owed {
  messages: number;
  /** How often it was asked in vain since the last one was promised or came. */
  vain: number;
}

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
  readonly #owed = new Map<string, Owed>();

  /** It may have something; behind all others, unless it waits already. */
  add(lane: string): void {
    this.#waiting.add(lane);
  }

  /** It is said to have one more message, from then on. */
  promise(lane: string, readyAt?: number): void {
    this.#owed.set(lane, { messages: (this.#owed.get(lane)?.messages ?? 0) + 1, vain: 0 });
    if (readyAt === undefined) this.add(lane);
    else this.#due.push({ lane, readyAt });
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

  /** It was asked and had a message. */
  hadOne(lane: string): void {
    const messages = (this.#owed.get(lane)?.messages ?? 0) - 1;
    if (messages > 0) this.#owed.set(lane, { messages, vain: 0 });
    else this.#owed.delete(lane);
  }

  /** It was asked and had nothing. */
  hadNothing(lane: string, now: number): void {
    const owed = this.#owed.get(lane);
    const ms = owed && askAgainMs[owed.vain++];
    if (ms === undefined) this.#owed.delete(lane);
    else this.#due.push({ lane, readyAt: now + ms });
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
