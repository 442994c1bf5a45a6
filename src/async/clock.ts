/** Where time comes from. Product code never reads the global clock: tests move this one by hand. */
export interface Clock {
  /** Wall-clock time, milliseconds since the Unix epoch. It may jump (sleep, NTP). */
  now(): number;
  /** Time that never jumps, milliseconds since some moment: for how long something has taken. */
  monotonic(): number;
  /** Calls `callback` once after `ms` milliseconds; the result cancels it. */
  after(ms: number, callback: () => void): () => void;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after(ms, callback) {
    const timer = setTimeout(callback, ms);
    return () => clearTimeout(timer);
  },
};

/** Where chance comes from: a number in [0, 1). */
export type Random = () => number;
