import type { Clock } from "./clock.ts";

/**
 * Counts by second over the last `seconds`, in `width` kinds. Adding one costs a few instructions and no memory;
 * what is older is overwritten.
 */
export class PerSecond {
  readonly seconds: number;
  readonly width: number;
  readonly #clock: Clock;
  readonly #cells: Uint32Array;
  /** The second that is counted now, since the epoch. */
  #now: number;

  constructor(seconds: number, width: number, clock: Clock) {
    this.seconds = seconds;
    this.width = width;
    this.#clock = clock;
    this.#cells = new Uint32Array(seconds * width);
    this.#now = this.#second();
  }

  add(kind: number): void {
    this.#advance();
    const at = (this.#now % this.seconds) * this.width + kind;
    this.#cells[at] = (this.#cells[at] ?? 0) + 1;
  }

  /**
   * The counts of each `step` seconds, the oldest first; steps begin where the time divides by them, and the last
   * one is under way. A row has one count for each kind.
   */
  steps(step = 1): readonly Uint32Array[] {
    this.#advance();
    const rows = Array.from(
      { length: Math.floor(this.seconds / step) },
      () => new Uint32Array(this.width),
    );
    const last = Math.floor(this.#now / step);
    for (let second = this.#now - this.seconds + 1; second <= this.#now; second++) {
      const row = rows[rows.length - 1 - (last - Math.floor(second / step))];
      const from = (second % this.seconds) * this.width;
      if (row) {
        for (let kind = 0; kind < this.width; kind++) row[kind]! += this.#cells[from + kind]!;
      }
    }
    return rows;
  }

  #second(): number {
    return Math.floor(this.#clock.now() / 1000);
  }

  /** A clock that was set back goes on where it was, unless by more than is kept: then all begins anew. */
  #advance(): void {
    const second = this.#second();
    const passed = second - this.#now;
    if (passed === 0 || (passed < 0 && passed > -this.seconds)) return;
    if (Math.abs(passed) >= this.seconds) this.#cells.fill(0);
    else {
      for (let at = this.#now + 1; at <= second; at++) {
        const from = (at % this.seconds) * this.width;
        this.#cells.fill(0, from, from + this.width);
      }
    }
    this.#now = second;
  }
}
