/** What is started is stopped by whoever started it, whatever happens in between. */

export interface TestContext {
  /** Runs after the test, last registered first, whether it passed or not. */
  defer(cleanup: () => unknown): void;
  /** Aborted when the test is over. */
  readonly signal: AbortSignal;
}

/** Runs the body, then the cleanups it asked for. Rejects with what any of them threw. */
export async function withCleanup(body: (t: TestContext) => Promise<void> | void): Promise<void> {
  const cleanups: (() => unknown)[] = [];
  const over = new AbortController();
  const errors: unknown[] = [];
  try {
    await body({ defer: (cleanup) => cleanups.push(cleanup), signal: over.signal });
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
}
