/** Whose turn it is: the lanes that may have something to give out, in the order in which they get it. */
export class Turns {
  readonly #waiting = new Set<string>();
  /** Until when a lane is not asked, milliseconds since the epoch. */
  readonly #blocked = new Map<string, number>();

  /** It may have something; behind all others, unless it waits already. */
  add(lane: string): void {
    this.#waiting.add(lane);
  }

  /** Takes the next lane out of the queue, or gives undefined. */
  next(now: number): string | undefined {
    for (const lane of this.#waiting) {
      if ((this.#blocked.get(lane) ?? 0) > now) continue;
      this.#blocked.delete(lane);
      this.#waiting.delete(lane);
      return lane;
    }
    return undefined;
  }

  /** One of its messages is leased, or waits until then: the others stay behind it. */
  block(lane: string, until = Infinity): void {
    this.#blocked.set(lane, until);
    this.#waiting.add(lane);
  }

  free(lane: string): void {
    this.#blocked.delete(lane);
    this.#waiting.add(lane);
  }
}
