import { onAbort } from "./abort.ts";

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
  #items = 0;
  #bytes = 0;
  #waiting = new Set<Waiter>();

  constructor(maxItems: number, maxBytes: number) {
    this.maxItems = maxItems;
    this.maxBytes = maxBytes;
  }

  get items(): number {
    return this.#items;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** True when one more item of `bytes` is taken at once. */
  fits(bytes: number): boolean {
    return this.#waiting.size === 0 && this.#fits(bytes);
  }

  /** Waits until one more item of `bytes` fits; the result gives it back. */
  acquire(bytes: number, signal: AbortSignal): Promise<() => void> {
    if (signal.aborted) return Promise.reject(signal.reason);
    if (this.fits(bytes)) return Promise.resolve(this.#take(bytes));
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
    if (this.#items === 0) return true;
    return this.#items < this.maxItems && this.#bytes + bytes <= this.maxBytes;
  }

  #take(bytes: number): () => void {
    this.#items++;
    this.#bytes += bytes;
    let held = true;
    return () => {
      if (!held) return;
      held = false;
      this.#items--;
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
