/** How the time of one process is shared out among what is compared in it. */

import type { Random } from "../../../src/async/clock.ts";

/** Until then a runtime compiles what it runs often. */
export const warmSeconds = 8;
/** The machine is now slower and now faster for longer than that. */
export const slotSeconds = 0.05;
/** Of each that is compared. */
export const slotsEach = 240;

/** What was done in all slots of one. */
export interface Spent {
  readonly settled: number;
  readonly seconds: number;
  readonly cpuSeconds: number;
}

/** Timers come late in a process that is busy: so much longer than they say all may take. */
const lateness = 1.25;

/** How long a process with so many to compare has to be kept busy, in seconds. */
export function secondsFor(compared: number): number {
  return lateness * (warmSeconds + slotSeconds * compared * (slotsEach + 1));
}

/**
 * All that are compared, in the order of one round. It is drawn by lot each time: a slot pays for some of what the one
 * before has left to collect, so that each has to come after each other as often.
 */
export function drawnOrder<Each>(compared: readonly Each[], random: Random): Each[] {
  const order = [...compared];
  for (let last = order.length - 1; last > 0; last--) {
    const drawn = Math.floor(random() * (last + 1));
    [order[last], order[drawn]] = [order[drawn]!, order[last]!];
  }
  return order;
}
