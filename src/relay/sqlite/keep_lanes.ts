import type { GroupCommit } from "../../sqlite/group_commit.ts";
import type { LaneRule } from "../lane.ts";
import { messageFromRow } from "./rows.ts";
import type { Statements } from "./statements.ts";

/** How many messages are moved in one commit. */
const step = 64;

/**
 * Moves messages that came under another rule to their lanes of this one: else what comes would go beside what
 * waits. Where lanes are exclusive they forget their delays, or a later one could hold its lane before the first.
 */
export async function keepLanes(
  sql: Statements,
  commit: GroupCommit,
  rule: LaneRule,
): Promise<void> {
  if (sql.laneRule() === rule.name) return;
  let rows = sql.after(0, step);
  while (rows.length > 0) {
    const these = rows;
    await commit.run(() => {
      sql.keepLaneRule(""); // should it end in the middle it begins again, whatever rule counts then
      for (const { sequence, lane, ready_at } of these) {
        const newLane = laneOf(sql, rule, sequence);
        const readyAt = rule.exclusive ? 0 : ready_at;
        if (newLane === undefined || (newLane === lane && readyAt === ready_at)) continue;
        sql.move(sequence, newLane, readyAt);
      }
    });
    rows = sql.after(these.at(-1)?.sequence ?? 0, step);
  }
  await commit.run(() => sql.keepLaneRule(rule.name));
}

/** Undefined when the message cannot be read: it is not given out, and stays as it is. */
function laneOf(sql: Statements, rule: LaneRule, sequence: number): string | undefined {
  try {
    const row = sql.bySequence(sequence);
    return row && rule.laneOf(messageFromRow(row, 0).envelope);
  } catch {
    return undefined;
  }
}
