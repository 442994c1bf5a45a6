/** How the time of one process is shared out among what is compared in it. */

/** Until then a runtime compiles what it runs often. */
export const warmSeconds = 8;
export const slotSeconds = 0.25;
/** Of each that is compared. */
export const slotsEach = 40;

/** What was done in all slots of one. */
export interface Spent {
  readonly settled: number;
  readonly seconds: number;
  readonly cpuSeconds: number;
}

/** How long a process with so many to compare has to be kept busy, in seconds. */
export function secondsFor(compared: number): number {
  return warmSeconds + slotSeconds * compared * (slotsEach + 1);
}
