/** A test that hangs fails, its cleanups run, and the others have their turn: `deno test` has no limit of its own. */
import { systemClock } from "../../src/async/clock.ts";
import { within } from "../../src/async/within.ts";

/** Several times what the longest test takes on a loaded machine. */
export const maxTestMs = 300_000;

const late = Symbol("late");

/** Resolves with the work; rejects when it takes longer than the limit. */
export async function withinLimit(
  work: Promise<void> | void,
  ms: number = maxTestMs,
): Promise<void> {
  if (await within(ms, Promise.resolve(work), late, systemClock) === late) {
    throw new Error(`the test still ran after ${ms / 1_000} s`);
  }
}
