import { abortable } from "./abort.ts";
import { type Clock, systemClock } from "./clock.ts";

/**
 * `promise`, or a rejection with `reason` after `ms` milliseconds, or with the signal's reason when it
 * is aborted. The work itself is not stopped: abort it from the rejection where it can be.
 */
export async function deadline<T>(
  promise: Promise<T>,
  ms: number,
  { signal, clock = systemClock, reason }: {
    signal?: AbortSignal;
    clock?: Clock;
    reason?: unknown;
  } = {},
): Promise<T> {
  const late = new AbortController();
  const cancel = clock.after(
    ms,
    () => late.abort(reason ?? new DOMException(`not done within ${ms} ms`, "TimeoutError")),
  );
  try {
    return await abortable(
      promise,
      signal ? AbortSignal.any([signal, late.signal]) : late.signal,
    );
  } finally {
    cancel();
  }
}
