/** How the time of one process is shared out among what is compared in it. */

/** Until then a runtime compiles what it runs often. */
export const warmSeconds = 8;
export const slotSeconds = 0.1;
/** Of each that is compared. */
export const slotsEach = 80;

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
