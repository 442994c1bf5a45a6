/** What is started is stopped by whoever started it, whatever happens in between. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface TestContext {
  /** Runs after the test, last registered first, whether it passed or not. */
  defer(cleanup: () => unknown): void;
  /** What is printed, on standard error, should the test fail: what was seen until then. */
  explain(seen: () => string): void;
  /** Makes a folder that is removed at the end. */
  folder(): string;
  /** Aborted when the test is over. */
  readonly signal: AbortSignal;
}

/** The last of what happened, a line each, for `explain`. */
export function lastOf(what: string, events: readonly object[]): string {
  return [what, ...events.slice(-30).map((event) => JSON.stringify(event))].join("\n  ");
}

/** What the body gives, after the cleanups it asked for. Rejects with what any of them threw. */
export async function withCleanup<T>(body: (t: TestContext) => Promise<T> | T): Promise<T> {
  const cleanups: (() => unknown)[] = [];
  const seen: (() => string)[] = [];
  const over = new AbortController();
  const errors: unknown[] = [];
  let result: T | undefined;
  try {
    result = await body({
      defer: (cleanup) => cleanups.push(cleanup),
      explain: (what) => seen.push(what),
      folder() {
        const made = mkdtempSync(join(tmpdir(), "hookferry-test-"));
        cleanups.push(() => rmSync(made, { recursive: true, force: true }));
        return made;
      },
      signal: over.signal,
    });
  } catch (error) {
    errors.push(error);
    for (const tell of seen) console.error(tell());
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
