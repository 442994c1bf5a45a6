import { onAbort } from "./abort.ts";
import { Chain, type Linked } from "./chain.ts";
import type { Clock } from "./clock.ts";

interface Waiter extends Linked {
  readonly bytes: number;
  readonly admit: () => void;
}

interface Item extends Linked {
  readonly at: number;
}

/**
 * A bound on what is held at a time, in items and in bytes. Whoever wants to add waits until both
 * fit, in order of arrival; that wait is the back-pressure. One item larger than all the bytes is
 * admitted when nothing else is held, so that it can pass at all.
 */
export class Budget {
  readonly maxItems: number;
  readonly maxBytes: number;
  readonly #clock: Clock;
  /** When each item that is held was taken, by the monotonic clock, the oldest first. */
  readonly #held = new Chain<Item>();
  #bytes = 0;
  readonly #waiting = new Chain<Waiter>();

  constructor(maxItems: number, maxBytes: number, clock: Clock) {
    this.maxItems = maxItems;
    this.maxBytes = maxBytes;
    this.#clock = clock;
  }

  get items(): number {
    return this.#held.size;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** How long the oldest of what is held has been so, milliseconds; 0 when nothing is. */
  get oldestAgeMs(): number {
    const { oldest } = this.#held;
    return oldest ? this.#clock.monotonic() - oldest.at : 0;
  }

  /** Takes one more item of `bytes`, if it fits now; the result gives it back. */
  tryAcquire(bytes: number): (() => void) | undefined {
    return this.#waiting.size === 0 && this.#fits(bytes) ? this.#take(bytes) : undefined;
  }

  /** Waits until one more item of `bytes` fits; the result gives it back. */
  acquire(bytes: number, signal: AbortSignal): Promise<() => void> {
    if (signal.aborted) return Promise.reject(signal.reason);
    const taken = this.tryAcquire(bytes);
    if (taken) return Promise.resolve(taken);
    return new Promise((resolve, reject) => {
      const waiter: Waiter = {
        bytes,
        admit: () => {
          undo();
          resolve(this.#take(bytes));
        },
        older: undefined,
        newer: undefined,
      };
      const undo = onAbort(signal, () => {
        this.#waiting.remove(waiter);
        reject(signal.reason);
        this.#admitWaiting();
      });
      this.#waiting.add(waiter);
    });
  }

  #fits(bytes: number): boolean {
    if (this.items === 0) return true;
    return this.items < this.maxItems && this.#bytes + bytes <= this.maxBytes;
  }

  #take(bytes: number): () => void {
    const item: Item = { at: this.#clock.monotonic(), older: undefined, newer: undefined };
    this.#held.add(item);
    this.#bytes += bytes;
    return () => {
      if (!this.#held.remove(item)) return;
      this.#bytes -= bytes;
      this.#admitWaiting();
    };
  }

  #admitWaiting(): void {
    for (let next = this.#waiting.oldest; next; next = this.#waiting.oldest) {
      if (!this.#fits(next.bytes)) return;
      this.#waiting.remove(next);
      next.admit();
    }
  }
}
