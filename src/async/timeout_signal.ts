import { type Cancel, Cancellation, onAbort } from "./abort.ts";
import { Chain, type Link } from "./chain.ts";
import type { Clock } from "./clock.ts";

/** The time of one piece of work, which has begun. */
export interface Timeout {
  /** Aborted when the time is over, or with the parent's reason when the parent is. */
  readonly signal: Cancel;
  /** The work is done. To be called in any case, or the timer stays. */
  clear(): void;
}

/** What all pieces of work of a kind have in common. */
export interface Timeouts {
  start(parent: Cancel): Timeout;
}

interface Waiting extends Link {
  readonly endsAt: number;
  readonly signal: Cancellation;
}

/**
 * The same time for each piece of work of a kind, milliseconds, with `reason` when it is over. They end in the order
 * in which they began, so that one timer serves them all.
 */
export function createTimeouts(ms: number, reason: () => unknown, clock: Clock): Timeouts {
  const waiting = new Chain<Waiting>();
  let cancel: (() => void) | undefined;

  return {
    start(parent) {
      const signal = new Cancellation();
      const one: Waiting = {
        endsAt: clock.monotonic() + ms,
        signal,
        older: undefined,
        newer: undefined,
      };
      const forget = onAbort(parent, () => signal.abort(parent.reason));
      waiting.add(one);
      cancel ??= clock.after(ms, look);
      return {
        signal,
        clear() {
          forget();
          waiting.remove(one);
          if (waiting.size > 0) return;
          cancel?.();
          cancel = undefined;
        },
      };
    },
  };

  function look(): void {
    cancel = undefined;
    const now = clock.monotonic();
    for (let one = waiting.oldest; one; one = waiting.oldest) {
      if (one.endsAt > now) {
        cancel = clock.after(one.endsAt - now, look);
        return;
      }
      waiting.remove(one);
      one.signal.abort(reason());
    }
  }
}

/** The time of a single piece of work. */
export function timeoutSignal(
  ms: number,
  reason: () => unknown,
  parent: Cancel,
  clock: Clock,
): Timeout {
  return createTimeouts(ms, reason, clock).start(parent);
}
