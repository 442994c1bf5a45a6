/** What is started is stopped by whoever started it, whatever happens in between. */

export interface TestContext {
  /** Runs after the test, last registered first, whether it passed or not. */
  defer(cleanup: () => unknown): void;
  /** Aborted when the test is over. */
  readonly signal: AbortSignal;
}

/** What the body gives, after the cleanups it asked for. Rejects with what any of them threw. */
export async function withCleanup<T>(body: (t: TestContext) => Promise<T> | T): Promise<T> {
  const cleanups: (() => unknown)[] = [];
  const over = new AbortController();
  const errors: unknown[] = [];
  let result: T | undefined;
  try {
    result = await body({ defer: (cleanup) => cleanups.push(cleanup), signal: over.signal });
  } catch (error) {
    errors.push(error);
  }
  over.abort(new DOMException("the test is over", "AbortError"));
  for (const cleanup of cleanups.reverse()) {
    try {
      await cleanup();
    } catch (error) {
      errors.push(error);
    }
  }
  if (errors.length === 1) throw errors[0];
  if (errors.length > 1) throw new AggregateError(errors, errors.map(String).join("; "));
  return result as T; // it threw nothing
}
