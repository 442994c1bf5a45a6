import { onAbort } from "./abort.ts";
import type { Clock } from "./clock.ts";

interface Waiter {
  bytes: number;
  admit: () => void;
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
  /** When each item that is held was taken, the oldest first. */
  readonly #held = new Set<{ readonly at: number }>();
  #bytes = 0;
  #waiting = new Set<Waiter>();

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

  /** When the oldest of what is held was taken, milliseconds since the epoch. */
  get oldestAt(): number | undefined {
    return this.#held.values().next().value?.at;
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
      };
      const undo = onAbort(signal, () => {
        this.#waiting.delete(waiter);
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
    const item = { at: this.#clock.now() };
    this.#held.add(item);
    this.#bytes += bytes;
    return () => {
      if (!this.#held.delete(item)) return;
      this.#bytes -= bytes;
      this.#admitWaiting();
    };
  }

  #admitWaiting(): void {
    for (const waiter of this.#waiting) {
      if (!this.#fits(waiter.bytes)) return;
      this.#waiting.delete(waiter);
      waiter.admit();
    }
  }
}
