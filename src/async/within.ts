import type { Clock } from "./clock.ts";

/** What the promise comes to, or `late` when that takes longer than `ms` milliseconds; it goes on all the same. */
export async function within<T, Late>(
  ms: number,
  promise: Promise<T> | undefined,
  late: Late,
  clock: Clock,
): Promise<T | Late | undefined> {
  let cancel = () => {};
  const timeout = new Promise<Late>((resolve) => cancel = clock.after(ms, () => resolve(late)));
  try {
    return await Promise.race([promise, timeout]);
  } finally {
    cancel();
  }
}
