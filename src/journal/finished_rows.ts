import type { DatabaseSync } from "node:sqlite";
import type { Finished, Reason } from "../flow.ts";
import { rowsOf } from "../sqlite/rows_of.ts";

interface FinishedRow {
  readonly row: number;
  readonly id: string;
  readonly at: number;
  readonly reason: string | null;
  readonly confirmed: number;
}

/** What is finished, the oldest first. */
export function finishedRows(db: DatabaseSync): FinishedRow[] {
  return rowsOf(db, "SELECT rowid AS row, id, at, reason, confirmed FROM finished ORDER BY rowid");
}

/** What such a row says. */
export function finishedOf({ id, at, reason, confirmed }: FinishedRow): Finished {
  return {
    messageId: id,
    at,
    outcome: reason === null
      ? { kind: "delivered" }
      : { kind: "rejected", reason: JSON.parse(reason) as Reason },
    confirmed: confirmed === 1,
  };
}
