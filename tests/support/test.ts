/**
 * One way to write a test that runs under `deno test` and under `bun test`.
 *
 * On Deno the op, resource and exit sanitizers are on: a test that leaves a timer, a socket or a
 * request behind fails. Bun has no such check, so what leaks is caught by the Deno run of the same file.
 */
import { test as nodeTest } from "node:test";
import { type TestContext, withCleanup } from "./cleanup.ts";
import { withinLimit } from "./time_limit.ts";

export type { TestContext } from "./cleanup.ts";

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

/** Registers a test. The name is a sentence about behaviour. */
export function test(name: string, body: Body): void {
  const run = () => withCleanup((t) => withinLimit(body(t)));
  if (deno) {
    deno.test({
      name,
      fn: run,
      sanitizeOps: true,
      sanitizeResources: true,
      sanitizeExit: true,
      ignore: false,
    });
  } else {
    nodeTest(name, run);
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

/** Registers a test that is skipped where there is a reason to, as a tool that is missing. */
export function testUnless(reason: string | undefined, name: string, body: Body): void {
  if (reason === undefined) test(name, body);
  else skip(name, reason);
}
