import type { DatabaseSync, StatementSync } from "node:sqlite";
import type { Clock } from "../async/clock.ts";
import {
  type Conclusion,
  type Finished,
  type Journal,
  JournalUnavailable,
  type Reason,
} from "../flow.ts";
import type { GroupCommit } from "../sqlite/group_commit.ts";
import type { DeadLetterBox } from "./dead_letter_box.ts";

/** A message that was in hand at a crash and never came again is forgotten after this long, milliseconds. */
const forgetCrashedMs = 7 * 24 * 3_600_000;

/**
 * The journal in an SQLite database. What is written in one turn of the event loop shares one commit. The ids
 * are in memory too (`remembered` gives them at the start): nothing is read for a message that is new.
 */
export class SqliteJournal implements Journal {
  readonly #commit: GroupCommit;
  readonly #box: DeadLetterBox;
  readonly #clock: Clock;
  readonly #crashes: Map<string, number>;
  /** Messages with several targets, of which some are done. */
  readonly #partly = new Map<string, Map<string, "delivered" | Reason>>();
  readonly #statements: ReturnType<typeof prepare>;
  /** What was there at the start, oldest first. */
  readonly remembered: readonly Finished[];

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
    this.remembered = readFinished(db);
  }

  crashesOf(messageId: string): number {
    return this.#crashes.get(messageId) ?? 0;
  }

  begin(messageId: string): Promise<void> {
    return this.#write(() => this.#statements.begin.run(messageId, this.#clock.now()));
  }

  settledTargets(messageId: string): ReadonlyMap<string, "delivered" | Reason> {
    return this.#partly.get(messageId) ?? none;
  }

  async deliveredTo(messageId: string, target: string): Promise<void> {
    this.#note(messageId, target, "delivered");
    await this.#write(() => this.#writeTarget(messageId, target, null));
  }

  async finish(messageId: string, conclusion: Conclusion): Promise<void> {
    const { outcome, deliveredTo, deadLetters } = conclusion;
    const isFinal = outcome.kind === "delivered" || outcome.kind === "rejected";
    const wasPartly = this.#partly.has(messageId);
    this.#crashes.delete(messageId);
    if (isFinal) this.#partly.delete(messageId);
    else for (const { target, reason } of deadLetters) this.#note(messageId, target, reason);
    await this.#write(() => {
      const now = this.#clock.now();
      // It may have been put away before, and have come again.
      if (this.#box.count > 0) {
        for (const target of deliveredTo) this.#box.drop(messageId, target);
      }
      for (const letter of deadLetters) {
        this.#box.put(letter, now);
        if (!isFinal) this.#writeTarget(messageId, letter.target, letter.reason);
      }
      this.#statements.end.run(messageId);
      if (!isFinal) return;
      if (wasPartly) this.#statements.forgetTargets.run(messageId);
      const reason = outcome.kind === "rejected" ? JSON.stringify(outcome.reason) : null;
      this.#statements.finish.run(messageId, now, reason);
    });
  }

  confirm(messageIds: readonly string[]): void {
    this.#writeLater(() => messageIds.forEach((id) => this.#statements.confirm.run(id)));
  }

  forget(messageIds: readonly string[]): void {
    this.#writeLater(() => messageIds.forEach((id) => this.#statements.forget.run(id)));
  }

  async #write(write: () => void): Promise<void> {
    try {
      await this.#commit.run(write);
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
    begin: sql(
      "INSERT INTO in_hand (id, since) VALUES (?, ?) ON CONFLICT DO UPDATE SET running = 1",
    ),
    end: sql("DELETE FROM in_hand WHERE id = ?"),
    settleTarget: sql(
      "INSERT OR REPLACE INTO settled_target (id, target, reason, at) VALUES (?, ?, ?, ?)",
    ),
    forgetTargets: sql("DELETE FROM settled_target WHERE id = ?"),
    finish: sql("INSERT OR REPLACE INTO finished (id, at, reason) VALUES (?, ?, ?)"),
    confirm: sql("UPDATE finished SET confirmed = 1 WHERE id = ?"),
    forget: sql("DELETE FROM finished WHERE id = ?"),
  };
}

function readFinished(db: DatabaseSync): Finished[] {
  return rowsOf<{ id: string; at: number; reason: string | null; confirmed: number }>(
    db,
    "SELECT id, at, reason, confirmed FROM finished ORDER BY rowid",
  ).map(({ id, at, reason, confirmed }) => ({
    messageId: id,
    at,
    outcome: reason === null
      ? { kind: "delivered" }
      : { kind: "rejected", reason: JSON.parse(reason) as Reason },
    confirmed: confirmed === 1,
  }));
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

/** The rows of a query whose columns the schema gives those types. */
function rowsOf<Row>(db: DatabaseSync, sql: string): Row[] {
  return db.prepare(sql).all() as Row[];
}
