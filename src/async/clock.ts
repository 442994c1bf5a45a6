/** Where time comes from. Product code never reads the global clock: tests move this one by hand. */
export interface Clock {
  /** Wall-clock time, milliseconds since the Unix epoch. It may jump (sleep, NTP). */
  now(): number;
  /** Time that never jumps, milliseconds since some moment: for how long something has taken. */
  monotonic(): number;
  /** Calls `callback` once after `ms` milliseconds; the result cancels it. */
  after(ms: number, callback: () => void): () => void;
}

/** The longest that a timer of the runtimes can wait, milliseconds; a longer one fires at once. */
const longestMs = 2 ** 31 - 1;

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after(ms, callback) {
    if (ms > longestMs) return afterLong(ms, callback);
    const timer = setTimeout(callback, ms);
    return () => clearTimeout(timer);
  },
};

/** In pieces that a timer can wait. */
function afterLong(ms: number, callback: () => void): () => void {
  let cancel = systemClock.after(longestMs, () => {
    cancel = systemClock.after(ms - longestMs, callback);
  });
  return () => cancel();
}

/** Where chance comes from: a number in [0, 1). */
export type Random = () => number;
