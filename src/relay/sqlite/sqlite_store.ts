import type { DatabaseSync } from "node:sqlite";
import { Heap } from "../heap.ts";
import {
  type DeadLetter,
  type FailedDelivery,
  type NewMessage,
  type Store,
  type StoredMessage,
  type StoreSettings,
  type StoreStats,
} from "../store.ts";
import type { GroupCommit } from "../../sqlite/group_commit.ts";
import { ExclusiveLanes, type Lanes, SharedLanes } from "./lanes.ts";
import { messageFromRow, type MessageRow, type RefRow } from "./rows.ts";
import { Statements } from "./statements.ts";

/** A message of which no more than this is kept in memory. */
interface Ref {
  readonly id: string;
  readonly sequence: number;
  readonly lane: string;
  readonly webhookId: string;
  readonly bytes: number;
  deliveries: number;
  history: readonly FailedDelivery[];
}

/** A message that was given back, in one of the heaps. */
interface Back {
  readonly ref: Ref;
  readonly readyAt: number;
}

/** When a message that could not be read is tried again. */
const unreadableRetryMs = 60_000;
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
  readonly #settings: StoreSettings;
  readonly #lanes: Lanes;
  readonly #leased = new Map<string, Ref>();
  readonly #ready = new Heap<Back>(({ ref }) => ref.sequence);
  readonly #waiting = new Heap<Back>(({ readyAt }) => readyAt);
  /** By message id: the database needs no index of ids. An entry of a heap that is not here too is over. */
  readonly #back = new Map<string, Back>();
  /** What could not be read, by message id, and why. */
  readonly #unreadable = new Map<string, string>();
  /** Messages not settled, by webhook id. */
  readonly #pending = new Map<string, number>();
  #nextSequence: number;
  #messages = 0;
  #bytes = 0;
  #deadLetters: number;
  #delivered = 0;
  #expired = 0;
  #buried = 0;

  constructor(db: DatabaseSync, commit: GroupCommit, channel: string, settings: StoreSettings) {
    this.#commit = commit;
    this.#settings = settings;
    this.#sql = new Statements(db, channel);
    this.#lanes = new (settings.lanes.exclusive ? ExclusiveLanes : SharedLanes)(this.#sql);
    this.#nextSequence = this.#sql.nextSequence();
    for (const { webhook_id, messages, bytes } of this.#sql.counts()) {
      this.#pending.set(webhook_id, messages);
      this.#messages += messages;
      this.#bytes += bytes;
    }
    this.#deadLetters = this.#sql.countDeadLetters();
    for (const { ready_at, ...row } of this.#sql.delayed()) {
      this.#lanes.hold(row.lane);
      this.#wait(refOf(row), ready_at);
    }
  }

  /** Why a message is not given out; undefined when all can be. */
  get problem(): string | undefined {
    return this.#unreadable.values().next().value;
  }

  async append(
    message: NewMessage,
    expiresAt: number,
    now: number,
  ): Promise<number | undefined> {
    const bytes = message.body.byteLength;
    const lane = this.#settings.lanes.laneOf(message);
    if (!this.#hasRoom(bytes)) await this.purge(now);
    if (!this.#hasRoom(bytes)) return undefined;
    // Counted before it is written: those that are written together must not all take the last place.
    this.#count(message.webhookId, 1, bytes);
    try {
      return await this.#commit.run(() => {
        const sequence = this.#nextSequence;
        this.#sql.insert(message, lane, sequence, expiresAt);
        this.#lanes.adding(lane, sequence);
        this.#nextSequence = sequence + 1;
        return sequence;
      });
    } catch (error) {
      this.#count(message.webhookId, -1, -bytes);
      // What was numbered in a group that failed was not written: the numbers are given again.
      this.#nextSequence = Math.max(this.#lanes.offeredUpTo + 1, this.#storedSequence());
      throw error;
    }
  }

  take(now: number): Promise<StoredMessage | undefined> {
    return new Promise((resolve) => resolve(this.#take(now)));
  }

  async claim(messageId: string): Promise<boolean> {
    const ref = this.#back.get(messageId)?.ref;
    if (!ref) return false;
    this.#back.delete(messageId); // or it would be given out before this is written
    try {
      if (!await this.#commit.run(() => this.#sql.remove(ref.sequence))) {
        this.#lanes.free(ref.lane); // it has expired, and was counted as such
        return false;
      }
    } catch (error) {
      this.#wait(ref, 0);
      throw error;
    }
    this.#gone(ref);
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
    this.#gone(ref);
    this.#delivered++;
    return true;
  }

  extend(messageId: string): Promise<boolean> {
    return Promise.resolve(this.#leased.has(messageId));
  }

  release(messageId: string, readyAt: number, failed?: FailedDelivery): Promise<boolean> {
    const ref = this.#leased.get(messageId);
    if (!ref) return Promise.resolve(false);
    this.#leased.delete(messageId);
    if (failed) ref.history = [...ref.history, failed];
    else ref.deliveries--;
    this.#wait(ref, readyAt);
    // Not waited for: should it be lost, the message comes sooner than it would have.
    const history = JSON.stringify(ref.history);
    this.#commit.run(() => this.#sql.delay(ref.sequence, readyAt, ref.deliveries, history))
      .catch(() => {});
    return Promise.resolve(true);
  }

  async bury(messageId: string, failed: FailedDelivery): Promise<boolean> {
    const ref = this.#leased.get(messageId);
    if (!ref) return false;
    this.#leased.delete(messageId);
    try {
      await this.#commit.run(() => {
        const history = JSON.stringify([...ref.history, failed]);
        this.#sql.bury({ ...ref, history }, failed);
        if (this.#deadLetters >= this.#settings.maxDeadLetters) this.#sql.removeOldestDeadLetter();
      });
    } catch (error) {
      this.#wait(ref, 0);
      throw error;
    }
    this.#deadLetters = Math.min(this.#deadLetters + 1, this.#settings.maxDeadLetters);
    this.#gone(ref);
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
    const expired = this.#commit.read(() => this.#sql.expired(now, purgeStep))
      // One that is damaged may stop the deletion of the others.
      .filter(({ id }) => !this.#leased.has(id) && !this.#unreadable.has(id));
    if (expired.length === 0) return 0;
    // Another purge may have taken some of them meanwhile.
    const removed = await this.#commit.run(() =>
      expired.filter(({ sequence }) => this.#sql.remove(sequence))
    );
    for (const row of removed) {
      // One that was never offered holds no lane.
      if (this.#back.delete(row.id)) this.#lanes.free(row.lane);
      this.#count(row.webhook_id, -1, -row.bytes);
    }
    this.#expired += removed.length;
    return removed.length;
  }

  deadLetters(limit: number): Promise<readonly DeadLetter[]> {
    return new Promise((resolve) =>
      resolve(
        this.#commit.read(() => this.#sql.deadLetters(limit)).map((row) => ({
          message: messageFromRow(row, row.deliveries),
          reason: row.reason,
          at: row.at,
          history: JSON.parse(row.history),
        })),
      )
    );
  }

  async replay(messageIds: readonly string[] | "all", now: number, ttlMs: number): Promise<number> {
    const rows = this.#commit.read(() => this.#sql.deadLettersOf(messageIds));
    const replayed = await this.#commit.run(() => {
      // Another replay may have taken some of them meanwhile.
      const taken = rows.filter(({ id }) => this.#sql.removeDeadLetter(id));
      for (const row of taken) {
        const sequence = this.#nextSequence++;
        const lane = this.#settings.lanes.laneOf(messageFromRow(row, 0).envelope);
        this.#sql.reinsert(row, lane, sequence, now + ttlMs);
        this.#lanes.adding(lane, sequence);
      }
      return taken;
    });
    for (const { webhook_id, bytes } of replayed) this.#count(webhook_id, 1, bytes);
    this.#deadLetters -= replayed.length;
    return replayed.length;
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
    const { maxMessages, maxBytes } = this.#settings;
    return this.#messages < maxMessages && this.#bytes + bytes <= maxBytes;
  }

  #take(now: number): StoredMessage | undefined {
    for (let due = this.#waiting.peek(); due && due.readyAt <= now; due = this.#waiting.peek()) {
      this.#waiting.pop();
      this.#ready.push(due);
    }
    for (;;) {
      const back = this.#ready.pop();
      if (back && this.#back.get(back.ref.id) !== back) continue;
      const head = back ? undefined : this.#commit.read(() => this.#lanes.next());
      const ref = back?.ref ?? (head && refOf(head));
      if (!ref) return undefined;
      // What waits for a retry since before a restart is in a heap already.
      if (head && head.ready_at > 0) continue;
      const row = this.#rowOf(ref, now);
      if (!row) continue;
      if (row.expires_at <= now) {
        this.#lanes.free(row.lane);
        this.#drop(row).catch(() => {}); // the next purge finds it again
        continue;
      }
      this.#back.delete(row.id);
      ref.deliveries++;
      this.#leased.set(ref.id, ref);
      return messageFromRow(row, ref.deliveries);
    }
  }

  /** Undefined when it expired or was settled meanwhile, or cannot be read: then the others go on without it. */
  #rowOf(ref: Ref, now: number): MessageRow | undefined {
    try {
      const row = this.#sql.bySequence(ref.sequence);
      this.#unreadable.delete(ref.id);
      return row;
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      this.#unreadable.set(ref.id, `${ref.id} cannot be read: ${why}`);
      this.#wait(ref, now + unreadableRetryMs);
      return undefined;
    }
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

  #gone(ref: Ref): void {
    this.#lanes.free(ref.lane);
    this.#count(ref.webhookId, -1, -ref.bytes);
  }

  #wait(ref: Ref, readyAt: number): void {
    const back = { ref, readyAt };
    this.#back.set(ref.id, back);
    this.#waiting.push(back);
  }

  #count(webhookId: string, messages: number, bytes: number): void {
    this.#messages += messages;
    this.#bytes += bytes;
    const pending = (this.#pending.get(webhookId) ?? 0) + messages;
    if (pending <= 0) this.#pending.delete(webhookId);
    else this.#pending.set(webhookId, pending);
  }
}

function refOf(row: RefRow): Ref {
  return {
    id: row.id,
    sequence: row.sequence,
    lane: row.lane,
    webhookId: row.webhook_id,
    bytes: row.bytes,
    deliveries: row.deliveries,
    history: JSON.parse(row.history),
  };
}
