import { onAbort } from "./abort.ts";
import { Chain, type Linked } from "./chain.ts";

interface Waiter extends Linked {
  readonly admit: () => void;
}

/** At most `limit` holders at a time; the others wait in order of arrival. */
export class Semaphore {
  #limit: number;
  #free: number;
  readonly #waiting = new Chain<Waiter>();

  constructor(limit: number) {
    this.#limit = limit;
    this.#free = limit;
  }

  /** Places in all. */
  get limit(): number {
    return this.#limit;
  }

  /** Places taken. */
  get held(): number {
    return this.#limit - this.#free;
  }

  /** From now on so many; those that hold a place keep it. */
  resize(limit: number): void {
    this.#free += limit - this.#limit;
    this.#limit = limit;
    this.#admitWaiting();
  }

  /** A place, if there is one; the result gives it back. */
  tryAcquire(): (() => void) | undefined {
    if (this.#free <= 0) return undefined;
    this.#free--;
    return this.#release();
  }

  /** Waits for a place; the result gives it back. Rejects with the signal's reason when aborted. */
  acquire(signal: AbortSignal): Promise<() => void> {
    if (signal.aborted) return Promise.reject(signal.reason);
    const place = this.tryAcquire();
    if (place) return Promise.resolve(place);
    return new Promise((resolve, reject) => {
      const waiter: Waiter = {
        admit: () => {
          undo();
          resolve(this.#release());
        },
        older: undefined,
        newer: undefined,
      };
      const undo = onAbort(signal, () => {
        this.#waiting.remove(waiter);
        reject(signal.reason);
      });
      this.#waiting.add(waiter);
    });
  }

  #release(): () => void {
    let held = true;
    return () => {
      if (!held) return;
      held = false;
      this.#free++;
      this.#admitWaiting();
    };
  }

  #admitWaiting(): void {
    while (this.#free > 0) {
      const next = this.#waiting.shift();
      if (!next) return;
      this.#free--;
      next.admit();
    }
  }
}
