/** The SQL of one channel, prepared once; every one finds its rows by an index. */
import type { DatabaseSync, StatementSync } from "node:sqlite";
import type { GroupCommit } from "../../sqlite/group_commit.ts";
import type { FailedDelivery, NewMessage } from "../store.ts";
import type { DeadLetterHead, DeadLetterRow, HeadRow, MessageRow, RefRow } from "./rows.ts";

const columns = "id, sequence, webhook_id, received_at, expires_at, deliveries, method, path, " +
  "headers, bytes, body";
const refColumns = "id, sequence, lane, webhook_id, bytes, deliveries";

/** Makes the channel known to the database, if it is not; `Statements` are for one that is. */
export async function addChannel(
  db: DatabaseSync,
  commit: GroupCommit,
  channel: string,
): Promise<void> {
  if (db.prepare("SELECT id FROM channel WHERE name = ?").get(channel)) return;
  const add = db.prepare("INSERT OR IGNORE INTO channel (name) VALUES (?)");
  await commit.run(() => add.run(channel));
}

export class Statements {
  readonly #channel: number;
  readonly #prepare: (sql: string) => StatementSync;

  constructor(db: DatabaseSync, channel: string) {
    const prepared = new Map<string, StatementSync>();
    this.#prepare = (sql) => {
      const known = prepared.get(sql) ?? db.prepare(sql);
      prepared.set(sql, known);
      return known;
    };
    const { id } = db.prepare("SELECT id FROM channel WHERE name = ?").get(channel) as {
      id: number;
    };
    this.#channel = id;
  }

  nextSequence(): number {
    const row = this.#get<{ next_sequence: number }>(
      "SELECT next_sequence FROM channel WHERE id = ?",
    );
    return row?.next_sequence ?? 1;
  }

  counts(): { webhook_id: string; messages: number; bytes: number }[] {
    return this.#all(
      "SELECT webhook_id, count(*) AS messages, sum(bytes) AS bytes FROM message " +
        "WHERE channel_id = ? GROUP BY webhook_id",
    );
  }

  delayed(): (RefRow & { ready_at: number })[] {
    return this.#all(
      `SELECT ${refColumns}, ready_at FROM message ` +
        "WHERE channel_id = ? AND ready_at > 0",
    );
  }

  /** By which the messages have their lanes; null before there was one. */
  laneRule(): string | null | undefined {
    return this.#get<{ lane_rule: string | null }>("SELECT lane_rule FROM channel WHERE id = ?")
      ?.lane_rule;
  }

  keepLaneRule(name: string): void {
    this.#run("UPDATE channel SET lane_rule = ?2 WHERE id = ?1", name);
  }

  move(sequence: number, lane: string, readyAt: number): void {
    const sql =
      "UPDATE message SET lane = ?2, ready_at = ?3 WHERE channel_id = ?1 AND sequence = ?4";
    this.#run(sql, lane, readyAt, sequence);
  }

  lanes(): string[] {
    return this.#all<{ lane: string }>("SELECT DISTINCT lane FROM message WHERE channel_id = ?")
      .map(({ lane }) => lane);
  }

  insert(message: NewMessage, lane: string, sequence: number, expiresAt: number): void {
    this.#insert([
      lane,
      message.id,
      sequence,
      message.webhookId,
      Date.parse(message.receivedAt),
      expiresAt,
      0,
      message.method,
      message.path,
      JSON.stringify(message.headers),
      message.body.byteLength,
      message.body,
    ]);
    this.#sequenceIs(sequence + 1);
  }

  /** A dead letter becomes a message again, with a number and a life of its own. */
  reinsert(row: DeadLetterRow, lane: string, sequence: number, expiresAt: number): void {
    const { id, webhook_id, received_at, method, path, headers, bytes, body } = row;
    this.#insert([
      ...[lane, id, sequence, webhook_id, received_at, expiresAt, 0, method, path, headers, bytes],
      body,
    ]);
    this.#sequenceIs(sequence + 1);
  }

  /** The first of the lane with at least that sequence. */
  inLane(lane: string, sequence: number): HeadRow | undefined {
    return this.#get(
      `SELECT ${refColumns}, ready_at FROM message WHERE channel_id = ? AND lane = ? ` +
        "AND sequence >= ? ORDER BY sequence LIMIT 1",
      lane,
      sequence,
    );
  }

  /** In sequence, no more than `limit`. */
  after(sequence: number, limit: number): HeadRow[] {
    return this.#all(
      `SELECT ${refColumns}, ready_at FROM message WHERE channel_id = ? AND sequence > ? ` +
        "ORDER BY sequence LIMIT ?",
      sequence,
      limit,
    );
  }

  bySequence(sequence: number): MessageRow | undefined {
    return this.#get(
      `SELECT lane, history, ${columns}, ready_at FROM message WHERE channel_id = ? AND sequence = ?`,
      sequence,
    );
  }

  /** How often it was delivered, and how; undefined when it is not there. */
  past(sequence: number): Pick<MessageRow, "deliveries" | "history"> | undefined {
    return this.#get(
      "SELECT deliveries, history FROM message WHERE channel_id = ? AND sequence = ?",
      sequence,
    );
  }

  oldestAt(): number | undefined {
    return this.#get<{ received_at: number }>(
      "SELECT received_at FROM message WHERE channel_id = ? ORDER BY sequence LIMIT 1",
    )?.received_at;
  }

  expired(now: number, limit: number): RefRow[] {
    return this.#all(
      `SELECT ${refColumns} FROM message ` +
        "WHERE channel_id = ? AND expires_at <= ? ORDER BY expires_at LIMIT ?",
      now,
      limit,
    );
  }

  /** False when it was not there. */
  remove(sequence: number): boolean {
    return this.#run("DELETE FROM message WHERE channel_id = ? AND sequence = ?", sequence) > 0;
  }

  delay(sequence: number, readyAt: number, deliveries: number, history: string): void {
    this.#run(
      "UPDATE message SET ready_at = ?2, deliveries = ?3, history = ?4 " +
        "WHERE channel_id = ?1 AND sequence = ?5",
      readyAt,
      deliveries,
      history,
      sequence,
    );
  }

  bury(
    { sequence, deliveries, history }: Pick<MessageRow, "sequence" | "deliveries" | "history">,
    { reason, at }: Pick<FailedDelivery, "reason" | "at">,
  ): void {
    this.#run(
      "INSERT OR REPLACE INTO dead_letter (channel_id, id, sequence, webhook_id, received_at, " +
        "expires_at, deliveries, method, path, headers, bytes, body, reason, at, history) " +
        "SELECT channel_id, id, sequence, webhook_id, received_at, expires_at, ?2, method, path, " +
        "headers, bytes, body, ?3, ?4, ?5 FROM message WHERE channel_id = ?1 AND sequence = ?6",
      deliveries,
      reason,
      at,
      history,
      sequence,
    );
    this.remove(sequence);
  }

  /** The newest first. */
  deadLetterHeads(limit: number): DeadLetterHead[] {
    return this.#all(
      "SELECT id, sequence, webhook_id, received_at, expires_at, deliveries, bytes, at " +
        "FROM dead_letter WHERE channel_id = ? ORDER BY rowid DESC LIMIT ?",
      limit,
    );
  }

  /** Throws when it is not there, or cannot be read. */
  deadLetter(id: string): DeadLetterRow {
    const row = this.#get<DeadLetterRow>(
      `SELECT ${columns}, history, reason, at FROM dead_letter WHERE channel_id = ? AND id = ?`,
      id,
    );
    if (!row) throw new Error("it is not there");
    return row;
  }

  /** The oldest first. */
  deadLetterSizes(): { readonly id: string; readonly bytes: number }[] {
    return this.#all("SELECT id, bytes FROM dead_letter WHERE channel_id = ? ORDER BY rowid");
  }

  /** False when it was not there. */
  removeDeadLetter(id: string): boolean {
    return this.#run("DELETE FROM dead_letter WHERE channel_id = ? AND id = ?", id) > 0;
  }

  /** How many there were. */
  removeDeadLetters(): number {
    return this.#run("DELETE FROM dead_letter WHERE channel_id = ?");
  }

  #insert(values: (string | number | Uint8Array)[]): void {
    this.#run(
      `INSERT INTO message (channel_id, lane, ${columns}) ` +
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
      ...values,
    );
  }

  #sequenceIs(next: number): void {
    this.#run("UPDATE channel SET next_sequence = ?2 WHERE id = ?1", next);
  }

  #get<Row>(sql: string, ...values: (string | number)[]): Row | undefined {
    return this.#prepare(sql).get(this.#channel, ...values) as Row | undefined;
  }

  #all<Row>(sql: string, ...values: (string | number)[]): Row[] {
    return this.#prepare(sql).all(this.#channel, ...values) as Row[];
  }

  #run(sql: string, ...values: (string | number | Uint8Array)[]): number {
    return Number(this.#prepare(sql).run(this.#channel, ...values).changes);
  }
}
