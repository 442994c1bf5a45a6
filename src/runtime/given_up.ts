import type { Clock } from "../async/clock.ts";
import { within } from "../async/within.ts";

let count = 0;

/** Something under way is not waited for any more, and cannot be ended: a write that nobody reads, say. */
export function giveUp(): void {
  count++;
}

/** Waits `ms` milliseconds for what is under way, then gives it up. Rejects with what it rejects with. */
export async function waitOrGiveUp(
  ms: number,
  underWay: Promise<unknown> | undefined,
  clock: Clock,
): Promise<void> {
  const late = Symbol("late");
  if (await within(ms, underWay, late, clock) === late) giveUp();
}

/** Whether there is such a thing: it would keep the process from its end. */
export function hasGivenUp(): boolean {
  return count > 0;
}
