import type { DatabaseSync } from "node:sqlite";
import { Heap } from "../heap.ts";
import {
  type DeadLetter,
  type NewMessage,
  type Store,
  type StoredMessage,
  type StoreStats,
  StoreUnavailableError,
} from "../store.ts";
import type { GroupCommit } from "./group_commit.ts";
import { messageFromRow, type MessageRow, Statements } from "./statements.ts";

export interface SqliteStoreLimits {
  readonly maxMessages: number;
  readonly maxBytes: number;
  readonly maxDeadLetters: number;
}

/** A message of which no more than this is kept in memory. */
interface Ref {
  readonly id: string;
  readonly sequence: number;
  readonly webhookId: string;
  readonly bytes: number;
  deliveries: number;
}

/** Rows purged in one step. */
const purgeStep = 200;

/**
 * The messages of one channel in the relay's database. In memory are only counts and what is leased or waits for
 * a retry; a message is read when it is handed out, by its index, so that a deep queue costs no more than a
 * shallow one. Leases are not written: after a crash everything is ready again.
 */
export class SqliteStore implements Store {
  readonly #commit: GroupCommit;
  readonly #sql: Statements;
  readonly #limits: SqliteStoreLimits;
  readonly #leased = new Map<string, Ref>();
  readonly #ready = new Heap<Ref>(({ sequence }) => sequence);
  readonly #waiting = new Heap<{ ref: Ref; readyAt: number }>(({ readyAt }) => readyAt);
  /** What is in one of the heaps, by message id: the database needs no index of ids. */
  readonly #back = new Map<string, Ref>();
  /** Messages not settled, by webhook id. */
  readonly #pending = new Map<string, number>();
  /** All up to here were handed out once or are in a heap. */
  #cursor = 0;
  #nextSequence: number;
  #messages = 0;
  #bytes = 0;
  #deadLetters: number;
  #delivered = 0;
  #expired = 0;
  #buried = 0;

  constructor(db: DatabaseSync, commit: GroupCommit, channel: string, limits: SqliteStoreLimits) {
    this.#commit = commit;
    this.#limits = limits;
    this.#sql = new Statements(db, channel);
    this.#nextSequence = this.#sql.nextSequence();
    for (const { webhook_id, messages, bytes } of this.#sql.counts()) {
      this.#pending.set(webhook_id, messages);
      this.#messages += messages;
      this.#bytes += bytes;
    }
    this.#deadLetters = this.#sql.countDeadLetters();
    for (const { ready_at, ...row } of this.#sql.delayed()) {
      this.#wait(refOf(row), ready_at);
    }
  }

  async append(
    message: NewMessage,
    expiresAt: number,
    now: number,
  ): Promise<number | undefined> {
    const bytes = message.body.byteLength;
    if (!this.#hasRoom(bytes)) await this.purge(now);
    if (!this.#hasRoom(bytes)) return undefined;
    // Counted before it is written: those that are written together must not all take the last place.
    this.#count(message.webhookId, 1, bytes);
    try {
      return await this.#commit.run(() => {
        const sequence = this.#nextSequence;
        this.#sql.insert(message, sequence, expiresAt);
        this.#nextSequence = sequence + 1;
        return sequence;
      });
    } catch (error) {
      this.#count(message.webhookId, -1, -bytes);
      // What was numbered in a group that failed was not written: the numbers are given again.
      this.#nextSequence = Math.max(this.#cursor + 1, this.#storedSequence());
      throw error;
    }
  }

  take(now: number): Promise<StoredMessage | undefined> {
    return new Promise((resolve) => resolve(this.#take(now)));
  }

  async claim(messageId: string): Promise<boolean> {
    const ref = this.#back.get(messageId);
    if (!ref) return false;
    this.#back.delete(messageId);
    if (!await this.#commit.run(() => this.#sql.remove(ref.sequence))) return false;
    this.#count(ref.webhookId, -1, -ref.bytes);
    this.#delivered++;
    return true;
  }

  async ack(messageId: string): Promise<boolean> {
    const ref = this.#leased.get(messageId);
    if (!ref) return false;
    this.#leased.delete(messageId);
    try {
      await this.#commit.run(() => this.#sql.remove(ref.sequence));
    } catch (error) {
      // Still there: it comes again, and the connector knows it.
      this.#wait(ref, 0);
      throw error;
    }
    this.#count(ref.webhookId, -1, -ref.bytes);
    this.#delivered++;
    return true;
  }

  release(messageId: string, readyAt: number, countsAsDelivery: boolean): Promise<boolean> {
    const ref = this.#leased.get(messageId);
    if (!ref) return Promise.resolve(false);
    this.#leased.delete(messageId);
    if (!countsAsDelivery) ref.deliveries--;
    this.#wait(ref, readyAt);
    // Not waited for: should it be lost, the message comes sooner than it would have.
    this.#commit.run(() => this.#sql.delay(ref.sequence, readyAt, ref.deliveries)).catch(() => {});
    return Promise.resolve(true);
  }

  async bury(messageId: string, reason: string, now: number): Promise<boolean> {
    const ref = this.#leased.get(messageId);
    if (!ref) return false;
    this.#leased.delete(messageId);
    try {
      await this.#commit.run(() => {
        this.#sql.bury(ref.sequence, ref.deliveries, reason, now);
        if (this.#deadLetters >= this.#limits.maxDeadLetters) this.#sql.removeOldestDeadLetter();
      });
    } catch (error) {
      this.#wait(ref, 0);
      throw error;
    }
    this.#deadLetters = Math.min(this.#deadLetters + 1, this.#limits.maxDeadLetters);
    this.#count(ref.webhookId, -1, -ref.bytes);
    this.#buried++;
    return true;
  }

  nextReadyAt(): number | undefined {
    return this.#waiting.peek()?.readyAt;
  }

  stats(_now: number): StoreStats {
    return {
      queued: this.#messages - this.#leased.size,
      inFlight: this.#leased.size,
      delivered: this.#delivered,
      expired: this.#expired,
      deadLettered: this.#buried,
      oldestAt: this.#oldestAt(),
      pendingByWebhookId: this.#pending,
    };
  }

  async purge(now: number): Promise<number> {
    const expired = this.#read(() => this.#sql.expired(now, purgeStep))
      .filter(({ id }) => !this.#leased.has(id));
    if (expired.length === 0) return 0;
    // Another purge may have taken some of them meanwhile.
    const removed = await this.#commit.run(() =>
      expired.filter(({ sequence }) => this.#sql.remove(sequence))
    );
    for (const { id, webhook_id, bytes } of removed) {
      this.#back.delete(id);
      this.#count(webhook_id, -1, -bytes);
    }
    this.#expired += removed.length;
    return removed.length;
  }

  deadLetters(limit: number): Promise<readonly DeadLetter[]> {
    return new Promise((resolve) =>
      resolve(
        this.#read(() => this.#sql.deadLetters(limit)).map((row) => ({
          message: messageFromRow(row, row.deliveries),
          reason: row.reason,
          at: row.at,
        })),
      )
    );
  }

  async replay(messageIds: readonly string[] | "all", now: number, ttlMs: number): Promise<number> {
    const rows = this.#read(() => this.#sql.deadLettersOf(messageIds));
    await this.#commit.run(() => {
      for (const row of rows) {
        this.#sql.removeDeadLetter(row.id);
        this.#sql.reinsert(row, this.#nextSequence++, now + ttlMs);
      }
    });
    for (const { webhook_id, bytes } of rows) this.#count(webhook_id, 1, bytes);
    this.#deadLetters -= rows.length;
    return rows.length;
  }

  async purgeDeadLetters(): Promise<number> {
    const removed = this.#deadLetters;
    await this.#commit.run(() => this.#sql.removeDeadLetters());
    this.#deadLetters = 0;
    return removed;
  }

  #oldestAt(): number | undefined {
    if (this.#messages === 0) return undefined;
    try {
      return this.#sql.oldestAt();
    } catch {
      return undefined; // statistics do not fail; what is wrong is in /readyz
    }
  }

  #hasRoom(bytes: number): boolean {
    const { maxMessages, maxBytes } = this.#limits;
    return this.#messages < maxMessages && this.#bytes + bytes <= maxBytes;
  }

  #take(now: number): StoredMessage | undefined {
    for (let due = this.#waiting.peek(); due && due.readyAt <= now; due = this.#waiting.peek()) {
      this.#waiting.pop();
      this.#ready.push(due.ref);
    }
    for (;;) {
      const ref = this.#ready.peek();
      const row = this.#read(() => ref ? this.#sql.bySequence(ref.sequence) : this.#next());
      if (ref) this.#ready.pop();
      else if (row) this.#cursor = row.sequence;
      if (!row && !ref) return undefined;
      if (!row) continue; // it expired or was settled meanwhile
      // What waits for a retry since before a restart is in a heap already.
      if (!ref && row.ready_at > 0) continue;
      if (row.expires_at <= now) {
        this.#drop(row).catch(() => {}); // the next purge finds it again
        continue;
      }
      this.#back.delete(row.id);
      const taken = { ...refOf(row), deliveries: (ref ?? row).deliveries + 1 };
      this.#leased.set(taken.id, taken);
      return messageFromRow(row, taken.deliveries);
    }
  }

  #next(): MessageRow | undefined {
    return this.#cursor + 1 >= this.#nextSequence ? undefined : this.#sql.after(this.#cursor);
  }

  #storedSequence(): number {
    try {
      return this.#sql.nextSequence();
    } catch {
      return this.#nextSequence; // a gap proves nothing, a repeat would
    }
  }

  async #drop(row: MessageRow): Promise<void> {
    this.#back.delete(row.id);
    if (!await this.#commit.run(() => this.#sql.remove(row.sequence))) return;
    this.#count(row.webhook_id, -1, -row.bytes);
    this.#expired++;
  }

  #wait(ref: Ref, readyAt: number): void {
    this.#back.set(ref.id, ref);
    this.#waiting.push({ ref, readyAt });
  }

  #read<T>(read: () => T): T {
    try {
      return read();
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      throw new StoreUnavailableError(why, error);
    }
  }

  #count(webhookId: string, messages: number, bytes: number): void {
    this.#messages += messages;
    this.#bytes += bytes;
    const pending = (this.#pending.get(webhookId) ?? 0) + messages;
    if (pending <= 0) this.#pending.delete(webhookId);
    else this.#pending.set(webhookId, pending);
  }
}

function refOf(
  row: Pick<MessageRow, "id" | "sequence" | "webhook_id" | "bytes" | "deliveries">,
): Ref {
  return {
    id: row.id,
    sequence: row.sequence,
    webhookId: row.webhook_id,
    bytes: row.bytes,
    deliveries: row.deliveries,
  };
}
