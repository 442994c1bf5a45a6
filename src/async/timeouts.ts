import { type Cancel, Cancellation, onAbort } from "./abort.ts";
import type { Clock } from "./clock.ts";
import { Deadlines, type Due } from "./deadlines.ts";

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

interface Waiting extends Due {
  readonly signal: Cancellation;
}

/** The same time for each piece of work of a kind, milliseconds, with `reason` when it is over. */
export function createTimeouts(ms: number, reason: () => unknown, clock: Clock): Timeouts {
  const deadlines = new Deadlines<Waiting>(ms, clock, ({ signal }) => signal.abort(reason()));

  return {
    start(parent) {
      const signal = new Cancellation();
      const one: Waiting = { endsAt: 0, signal, older: undefined, newer: undefined };
      const forget = onAbort(parent, () => signal.abort(parent.reason));
      deadlines.begin(one);
      return {
        signal,
        clear() {
          forget();
          deadlines.end(one);
        },
      };
    },
  };
}
