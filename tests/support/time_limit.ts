/** A test that hangs fails, its cleanups run, and the others have their turn: `deno test` has no limit of its own. */

/** Several times what the longest test takes on a loaded machine. */
export const maxTestMs = 300_000;

/** What `work` gives; rejects when it takes longer than the limit. */
export async function withinLimit<T>(work: Promise<T> | T, ms: number = maxTestMs): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const limit = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`the test still ran after ${ms / 1_000} s`)), ms);
  });
  try {
    return await Promise.race([work, limit]);
  } finally {
    clearTimeout(timer);
  }
}
