let count = 0;

/** Something under way is not waited for any more, and cannot be ended: a write that nobody reads, say. */
export function giveUp(): void {
  count++;
}

/** Whether there is such a thing: it would keep the process from its end. */
export function hasGivenUp(): boolean {
  return count > 0;
}
