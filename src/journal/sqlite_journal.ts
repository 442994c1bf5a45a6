import type { DatabaseSync, StatementSync } from "node:sqlite";
import { AgedMap } from "../async/aged_map.ts";
import type { Clock } from "../async/clock.ts";
import {
  type Conclusion,
  type Finished,
  type Journal,
  JournalUnavailable,
  type Reason,
} from "../flow.ts";
import type { GroupCommit, Outlives } from "../sqlite/group_commit.ts";
import { rowsOf } from "../sqlite/rows_of.ts";
import type { DeadLetterBox } from "./dead_letter_box.ts";
import { finishedOf, finishedRows } from "./finished_rows.ts";
import { RowNumbers } from "./row_numbers.ts";
import { Together } from "./together.ts";

/** Messages of which it is known that some of their targets are done: the relay may never give them out again. */
const maxPartly = 100_000;
/** A message that was in hand at a crash and never came again is forgotten after this long, milliseconds. */
const forgetCrashedMs = 7 * 24 * 3_600_000;

/**
 * The journal in an SQLite database. What is written in one turn of the event loop shares one commit. The ids
 * are in memory too: nothing is read for a message that is new.
 */
export class SqliteJournal implements Journal {
  readonly #commit: GroupCommit;
  readonly #box: DeadLetterBox;
  readonly #clock: Clock;
  readonly #crashes: Map<string, number>;
  /** Messages with several targets, of which some are done. */
  readonly #partly = new AgedMap<Map<string, "delivered" | Reason>>();
  readonly #statements: ReturnType<typeof prepare>;
  /** Most messages come and go without more to say: those of one turn are one statement. */
  readonly #begun = new Together((ids) =>
    this.#write(() => this.#statements.begin.run(this.#clock.now(), JSON.stringify(ids())))
  );
  readonly #delivered = new Together((ids) =>
    this.#write(() => {
      const those = ids();
      const text = JSON.stringify(those);
      this.#statements.endAll.run(text);
      this.#statements.deliveredAll.run(this.#number(those), this.#clock.now(), text);
    })
  );
  readonly #rows = new RowNumbers(); // of those that are finished
  #nextRow = 1;
  #remembered: readonly Finished[];

  /** Throws SQLite's error when the database cannot be read. */
  constructor(db: DatabaseSync, commit: GroupCommit, box: DeadLetterBox, clock: Clock) {
    this.#commit = commit;
    this.#box = box;
    this.#clock = clock;
    db.exec("UPDATE in_hand SET crashes = crashes + 1, running = 0 WHERE running = 1");
    db.prepare("DELETE FROM in_hand WHERE since < ?").run(clock.now() - forgetCrashedMs);
    db.prepare("DELETE FROM settled_target WHERE at < ?").run(clock.now() - forgetCrashedMs);
    this.#statements = prepare(db);
    this.#crashes = new Map(
      rowsOf<{ id: string; crashes: number }>(db, "SELECT id, crashes FROM in_hand")
        .map(({ id, crashes }) => [id, crashes]),
    );
    for (const { id, target, reason } of readSettledTargets(db)) this.#note(id, target, reason);
    this.#remembered = this.#readFinished(db);
  }

  #readFinished(db: DatabaseSync): readonly Finished[] {
    const rows = finishedRows(db);
    const stale: number[] = [];
    for (const { row, id } of rows) {
      const before = this.#rows.get(id);
      if (before !== undefined) stale.push(before); // which could not be taken out when the other came
      this.#rows.set(id, row);
      this.#nextRow = row + 1;
    }
    if (stale.length > 0) this.#statements.forget.run(JSON.stringify(stale));
    return rows.filter(({ row, id }) => this.#rows.get(id) === row).map(finishedOf);
  }

  /** What was there at the start, oldest first; given once. */
  takeRemembered(): readonly Finished[] {
    const taken = this.#remembered;
    this.#remembered = [];
    return taken;
  }

  crashesOf(messageId: string): number {
    return this.#crashes.get(messageId) ?? 0;
  }

  begin(messageId: string): Promise<void> {
    return this.#begun.add(messageId);
  }

  settledTargets(messageId: string): ReadonlyMap<string, "delivered" | Reason> {
    return this.#partly.get(messageId) ?? none;
  }

  async deliveredTo(messageId: string, target: string): Promise<void> {
    this.#note(messageId, target, "delivered");
    await this.#write(() => this.#writeTarget(messageId, target, null));
  }

  finish(messageId: string, conclusion: Conclusion): Promise<void> {
    const { outcome, deadLetters } = conclusion;
    const isFinal = outcome.kind === "delivered" || outcome.kind === "rejected";
    const partly = this.#partly.get(messageId);
    const wasPartly = partly !== undefined;
    this.#crashes.delete(messageId);
    // The relay may give it out again: those that have it are not to be asked then, those that refused it are.
    if (outcome.kind === "rejected") {
      for (const [target, state] of partly ?? []) if (state !== "delivered") partly?.delete(target);
    }
    const isPlain = outcome.kind === "delivered" && !wasPartly && deadLetters.length === 0;
    return isPlain && this.#box.count === 0
      ? this.#delivered.add(messageId)
      : this.#finishFully(messageId, conclusion, isFinal, wasPartly);
  }

  async #finishFully(
    messageId: string,
    { outcome, deliveredTo, deadLetters }: Conclusion,
    isFinal: boolean,
    wasPartly: boolean,
  ): Promise<void> {
    // What only we have must outlive the machine's power; of the rest the relay gives out again what is forgotten.
    const outlives = deadLetters.length > 0 ? "power" : "process";
    await this.#write(() => {
      const now = this.#clock.now();
      // It may have been put away before, and have come again.
      if (this.#box.count > 0) {
        for (const target of deliveredTo) this.#box.drop(messageId, target);
        // For all its targets, of which some are done with it now.
        if (isFinal || deliveredTo.length + deadLetters.length > 0) this.#box.drop(messageId, "");
      }
      for (const letter of deadLetters) {
        this.#box.put(letter, now);
        if (!isFinal) this.#writeTarget(messageId, letter.target, letter.reason);
      }
      this.#statements.end.run(messageId);
      if (!isFinal) return;
      if (wasPartly) {
        const { forgetTargets, forgetRefused } = this.#statements;
        (outcome.kind === "delivered" ? forgetTargets : forgetRefused).run(messageId);
      }
      const reason = outcome.kind === "rejected" ? JSON.stringify(outcome.reason) : null;
      this.#statements.finish.run(this.#number([messageId]), messageId, now, reason);
    }, outlives);
    if (outcome.kind === "delivered") this.#partly.delete(messageId);
    // Not before: a target whose letter is not kept is to be asked again.
    if (!isFinal) {
      for (const { target, reason } of deadLetters) this.#note(messageId, target, reason);
    }
  }

  confirm(messageIds: readonly string[]): void {
    const rows = this.#rowsOf(messageIds);
    if (rows.length > 0) this.#writeLater(() => this.#statements.confirm.run(JSON.stringify(rows)));
  }

  forget(messageIds: readonly string[]): void {
    const rows = this.#rowsOf(messageIds);
    if (rows.length > 0) this.#writeLater(() => this.#statements.forget.run(JSON.stringify(rows)));
    for (const id of messageIds) this.#rows.delete(id);
  }

  #rowsOf(messageIds: readonly string[]): readonly number[] {
    return messageIds.flatMap((id) => this.#rows.get(id) ?? []);
  }

  /** Numbers for these, in a row: the result is the first. What was finished before has a row, which goes. */
  #number(messageIds: readonly string[]): number {
    const before = this.#rowsOf(messageIds);
    if (before.length > 0) this.#statements.forget.run(JSON.stringify(before));
    const first = this.#nextRow;
    for (const id of messageIds) this.#rows.set(id, this.#nextRow++);
    return first;
  }

  async #write(write: () => void, outlives: Outlives = "process"): Promise<void> {
    try {
      await this.#commit.run(write, outlives);
    } catch (error) {
      this.#box.recount();
      throw error;
    }
  }

  /** What is lost here costs a settlement that is told twice, or an id that is remembered too long. */
  #writeLater(write: () => void): void {
    this.#commit.run(write).catch((error) => {
      if (!(error instanceof JournalUnavailable)) throw error;
    });
  }

  #note(id: string, target: string, state: "delivered" | Reason): void {
    const targets = this.#partly.get(id) ?? new Map<string, "delivered" | Reason>();
    this.#partly.set(id, targets.set(target, state));
    for (const forgotten of this.#partly.forgetOldest(maxPartly)) {
      this.#writeLater(() => this.#statements.forgetTargets.run(forgotten));
    }
  }

  /** `reason` is that of its dead letter; null = delivered. */
  #writeTarget(id: string, target: string, reason: Reason | null): void {
    const text = reason && JSON.stringify(reason);
    this.#statements.settleTarget.run(id, target, text, this.#clock.now());
  }
}

const none: ReadonlyMap<string, Reason> = new Map();

function prepare(db: DatabaseSync) {
  const sql = (text: string): StatementSync => db.prepare(text);
  return {
    // Without the WHERE the parser takes ON for a join (SQLite, "UPSERT", section 2.2).
    begin: sql(
      `INSERT INTO in_hand (id, since) SELECT value, ? FROM json_each(?) WHERE true
       ON CONFLICT DO UPDATE SET running = 1`,
    ),
    end: sql("DELETE FROM in_hand WHERE id = ?"),
    endAll: sql("DELETE FROM in_hand WHERE id IN (SELECT value FROM json_each(?))"),
    deliveredAll: sql(
      "INSERT INTO finished (rowid, id, at) SELECT ? + key, value, ? FROM json_each(?)",
    ),
    settleTarget: sql(
      "INSERT OR REPLACE INTO settled_target (id, target, reason, at) VALUES (?, ?, ?, ?)",
    ),
    forgetTargets: sql("DELETE FROM settled_target WHERE id = ?"),
    forgetRefused: sql("DELETE FROM settled_target WHERE id = ? AND reason IS NOT NULL"),
    finish: sql("INSERT INTO finished (rowid, id, at, reason) VALUES (?, ?, ?, ?)"),
    confirm: sql(
      "UPDATE finished SET confirmed = 1 WHERE rowid IN (SELECT value FROM json_each(?))",
    ),
    forget: sql("DELETE FROM finished WHERE rowid IN (SELECT value FROM json_each(?))"),
  };
}

function readSettledTargets(db: DatabaseSync) {
  return rowsOf<{ id: string; target: string; reason: string | null }>(
    db,
    "SELECT id, target, reason FROM settled_target",
  ).map(({ reason, ...row }) => ({
    ...row,
    reason: reason === null ? "delivered" as const : JSON.parse(reason) as Reason,
  }));
}
