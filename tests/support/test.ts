/**
 * One way to write a test that runs under `deno test` and under `bun test`.
 *
 * On Deno the op, resource and exit sanitizers are on: a test that leaves a timer, a socket or a
 * request behind fails. Bun has no such check, so what leaks is caught by the Deno run of the same file.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test as nodeTest } from "node:test";

export interface TestContext {
  /** Runs after the test, last registered first, whether it passed or not. */
  defer(cleanup: () => unknown): void;
  /** Makes a folder that is removed at the end. */
  folder(): string;
  /** Aborted when the test is over. */
  readonly signal: AbortSignal;
}

type Body = (t: TestContext) => Promise<void> | void;

interface DenoTest {
  test(definition: {
    name: string;
    fn: () => Promise<void>;
    sanitizeOps: boolean;
    sanitizeResources: boolean;
    sanitizeExit: boolean;
    ignore: boolean;
  }): void;
}

const deno = (globalThis as { Deno?: DenoTest }).Deno;

async function run(body: Body): Promise<void> {
  const cleanups: (() => unknown)[] = [];
  const over = new AbortController();
  const errors: unknown[] = [];
  try {
    await body({
      defer: (cleanup) => cleanups.push(cleanup),
      folder() {
        const made = mkdtempSync(join(tmpdir(), "hookferry-test-"));
        cleanups.push(() => rmSync(made, { recursive: true, force: true }));
        return made;
      },
      signal: over.signal,
    });
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

/** Registers a test. The name is a sentence about behaviour. */
export function test(name: string, body: Body): void {
  if (deno) {
    deno.test({
      name,
      fn: () => run(body),
      sanitizeOps: true,
      sanitizeResources: true,
      sanitizeExit: true,
      ignore: false,
    });
  } else {
    nodeTest(name, () => run(body));
  }
}

/** Registers a test that is reported as skipped, with the reason in its name. */
export function skip(name: string, reason: string): void {
  const title = `${name} (skipped: ${reason})`;
  if (deno) {
    deno.test({
      name: title,
      fn: () => Promise.resolve(),
      sanitizeOps: false,
      sanitizeResources: false,
      sanitizeExit: false,
      ignore: true,
    });
  } else {
    nodeTest(title, { skip: reason }, () => {});
  }
}
