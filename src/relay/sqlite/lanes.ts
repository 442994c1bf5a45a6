import type { HeadRow, Ref } from "./rows.ts";
import type { Statements } from "./statements.ts";

/** Says which message goes next of those that were never offered. Nothing changes when a read throws. */
export interface Lanes {
  /** All that were offered have sequences up to here. */
  readonly offeredUpTo: number;
  next(): HeadRow | undefined;
  /** A message is about to be stored. Told in the transaction that stores it, whether or not that succeeds. */
  adding(lane: string, sequence: number): void;
  /** A message of the lane waits for a retry. */
  hold(lane: string): void;
  /** The message of the lane that was offered or held is gone for good, or the others go on without it. */
  free(lane: string): void;
  /** Whether one that the others went on without may go now; else `next` gives it when its turn is there. */
  mayGo(message: Pick<Ref, "lane" | "sequence">): boolean;
}

/** Lanes take turns, each in sequence. */
export class SharedLanes implements Lanes {
  readonly #sql: Statements;
  /** Those that may have messages, in the order of their turns, each with the last sequence it offered. */
  readonly #offered = new Map<string, number>();
  offeredUpTo = 0;

  constructor(sql: Statements) {
    this.#sql = sql;
    for (const lane of sql.lanes()) this.#offered.set(lane, 0);
  }

  next(): HeadRow | undefined {
    for (const [lane, after] of this.#offered) {
      const row = this.#sql.inLane(lane, after + 1);
      this.#offered.delete(lane);
      if (!row) continue;
      this.#offered.set(lane, row.sequence); // now the last in turn
      this.offeredUpTo = Math.max(this.offeredUpTo, row.sequence);
      return row;
    }
    return undefined;
  }

  adding(lane: string): void {
    // It has offered all it had: what is new comes after all that was offered, whichever number it is given in the
    // end (those of a transaction that fails are given again).
    if (!this.#offered.has(lane)) this.#offered.set(lane, this.offeredUpTo);
  }

  hold(): void {}

  free(): void {}

  mayGo(): boolean {
    return true;
  }
}

/** How many messages are looked at in one read. */
const scanStep = 256;

/**
 * One message of a lane at a time. There may be as many lanes as messages, so that only the busy ones are kept:
 * messages are passed in sequence once, and of a busy lane is remembered where the first was passed over.
 */
export class ExclusiveLanes implements Lanes {
  readonly #sql: Statements;
  /** Busy lanes, each with the first sequence that was passed over. */
  readonly #busy = new Map<string, number | undefined>();
  /** Busy lanes whose message is gone, and which may have more. */
  readonly #freed = new Set<string>();
  #last: number;
  offeredUpTo = 0;

  constructor(sql: Statements) {
    this.#sql = sql;
    this.#last = sql.nextSequence() - 1;
  }

  next(): HeadRow | undefined {
    for (const lane of this.#freed) {
      const row = this.#sql.inLane(lane, this.#busy.get(lane) ?? 0);
      this.#freed.delete(lane);
      if (row && row.sequence <= this.offeredUpTo) {
        this.#busy.set(lane, row.sequence + 1);
        return row;
      }
      this.#busy.delete(lane);
    }
    while (this.offeredUpTo < this.#last) {
      const passing = this.#sql.after(this.offeredUpTo, scanStep);
      if (passing.length === 0) return undefined;
      for (const row of passing) {
        const { sequence, lane } = row;
        this.offeredUpTo = sequence;
        if (!this.#busy.has(lane)) {
          this.#busy.set(lane, undefined);
          return row;
        }
        this.#busy.set(lane, this.#busy.get(lane) ?? sequence);
      }
    }
    return undefined;
  }

  adding(_lane: string, sequence: number): void {
    this.#last = sequence;
  }

  hold(lane: string): void {
    this.#busy.set(lane, undefined);
  }

  free(lane: string): void {
    if (this.#busy.get(lane) === undefined) this.#busy.delete(lane);
    else this.#freed.add(lane);
  }

  mayGo({ lane, sequence }: Pick<Ref, "lane" | "sequence">): boolean {
    if (!this.#busy.has(lane)) this.#freed.add(lane);
    this.#busy.set(lane, Math.min(this.#busy.get(lane) ?? sequence, sequence));
    return false;
  }
}
