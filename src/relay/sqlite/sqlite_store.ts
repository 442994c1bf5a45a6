import type { DatabaseSync } from "node:sqlite";
import type { Clock } from "../../async/clock.ts";
import type { GroupCommit } from "../../sqlite/group_commit.ts";
import { historyWith } from "../history.ts";
import type {
  DeadLetter,
  FailedDelivery,
  NewMessage,
  Store,
  StoredMessage,
  StoreSettings,
  StoreStats,
} from "../store.ts";
import { Tally } from "../tally.ts";
import { DeadLetters, type Letter } from "./dead_letters.ts";
import { GivenBack } from "./given_back.ts";
import { ExclusiveLanes, type Lanes, SharedLanes } from "./lanes.ts";
import { messageFromRow, type Ref, refFromRow } from "./rows.ts";
import { Statements } from "./statements.ts";

/** When a message that could not be read is tried again. */
const unreadableRetryMs = 60_000;
/** What is purged in one step: rows, and about so many bytes of bodies, which are copied. */
const purgeStep = 200;
const purgeBytes = 16 * 1024 * 1024;

/**
 * The messages of one channel in the relay's database. In memory are only counts and what is leased or waits for
 * a retry; a message is read when it is handed out, by its index, so that a deep queue costs no more than a
 * shallow one. Leases are not written: after a crash everything is ready again.
 */
export class SqliteStore implements Store {
  readonly #commit: GroupCommit;
  readonly #clock: Clock;
  readonly #sql: Statements;
  readonly #settings: StoreSettings;
  readonly #lanes: Lanes;
  readonly #leased = new Map<string, Ref>();
  readonly #givenBack: GivenBack;
  readonly #tally = new Tally();
  readonly #dead: DeadLetters;
  /** What could not be read, by message id, and why. */
  readonly #unreadable = new Map<string, string>();
  #nextSequence: number;

  constructor(
    db: DatabaseSync,
    commit: GroupCommit,
    clock: Clock,
    channel: string,
    settings: StoreSettings,
  ) {
    this.#commit = commit;
    this.#clock = clock;
    this.#givenBack = new GivenBack(clock);
    this.#settings = settings;
    this.#sql = new Statements(db, channel);
    this.#lanes = new (settings.lanes.exclusive ? ExclusiveLanes : SharedLanes)(this.#sql);
    this.#nextSequence = this.#sql.nextSequence();
    for (const { webhook_id, messages, bytes } of this.#sql.counts()) {
      this.#tally.add(webhook_id, messages, bytes);
    }
    this.#dead = new DeadLetters(this.#sql, commit, settings, (count) => {
      this.#tally.deadLettersDropped += count;
    });
    for (const { ready_at, ...row } of this.#sql.delayed()) {
      this.#lanes.hold(row.lane);
      // The clock may have been set back since: no delay is longer than the TTL.
      const delayMs = Math.min(Math.max(0, ready_at - clock.now()), settings.ttlMs);
      this.#givenBack.add(refFromRow(row), delayMs);
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
    this.#tally.add(message.webhookId, 1, bytes);
    try {
      return await this.#commit.run(() => {
        const sequence = this.#nextSequence;
        this.#sql.insert(message, lane, sequence, expiresAt);
        this.#lanes.adding(lane, sequence);
        this.#nextSequence = sequence + 1;
        return sequence;
      });
    } catch (error) {
      this.#tally.remove(message.webhookId, bytes);
      // What was numbered in a group that failed was not written: the numbers are given again.
      this.#nextSequence = Math.max(this.#lanes.offeredUpTo + 1, this.#storedSequence());
      throw error;
    }
  }

  take(now: number): Promise<StoredMessage | undefined> {
    return new Promise((resolve) => resolve(this.#take(now)));
  }

  async claim(messageId: string): Promise<boolean> {
    // Taken out at once: or it would be given out before this is written.
    const ref = this.#givenBack.takeOut(messageId);
    if (!ref) return false;
    if (!await this.#orGivenBack(ref, this.#remove(ref))) {
      this.#free(ref); // it has expired, and was counted as such
      return false;
    }
    this.#gone(ref);
    this.#tally.delivered++;
    return true;
  }

  async ack(messageId: string): Promise<boolean> {
    const ref = this.#leased.get(messageId);
    if (!ref) return false;
    this.#leased.delete(messageId);
    await this.#orGivenBack(ref, this.#remove(ref));
    this.#gone(ref);
    this.#tally.delivered++;
    return true;
  }

  extend(messageId: string): Promise<boolean> {
    return Promise.resolve(this.#leased.has(messageId));
  }

  release(
    messageId: string,
    delayMs: number,
    why?: FailedDelivery,
    counts = why !== undefined,
  ): Promise<boolean> {
    const ref = this.#leased.get(messageId);
    if (!ref) return Promise.resolve(false);
    this.#leased.delete(messageId);
    if (why) ref.history = historyWith(ref.history, why, counts);
    if (!counts) ref.deliveries--;
    this.#givenBack.add(ref, delayMs);
    const readyAt = delayMs > 0 ? this.#clock.now() + delayMs : 0;
    // Not waited for: should it be lost, the message comes sooner than it would have.
    const history = JSON.stringify(ref.history ?? []);
    this.#commit.run(() => this.#sql.delay(ref.sequence, readyAt, ref.deliveries, history))
      .catch(() => {});
    return Promise.resolve(true);
  }

  async bury(messageId: string, failed: FailedDelivery): Promise<boolean> {
    const ref = this.#leased.get(messageId);
    if (!ref) return false;
    this.#leased.delete(messageId);
    await this.#orGivenBack(ref, this.#dead.put(ref, failed));
    this.#gone(ref);
    this.#tally.deadLettered++;
    return true;
  }

  readyInMs(): number | undefined {
    return this.#givenBack.readyInMs;
  }

  stats(_now: number): StoreStats {
    return this.#tally.stats({
      inFlight: this.#leased.size,
      deadLetters: this.#dead.kept,
      oldestAt: this.#oldestAt(),
    });
  }

  async purge(now: number): Promise<number> {
    // So many that a whole step is left of them without those that stay.
    const limit = purgeStep + this.#leased.size + this.#unreadable.size;
    const expired = this.#commit.read(() => this.#sql.expired(now, limit))
      // One that is damaged may stop the deletion of the others.
      .filter(({ id }) => !this.#leased.has(id) && !this.#unreadable.has(id))
      .slice(0, purgeStep);
    if (expired.length === 0) return 0;
    let bytes = 0;
    const step = expired.filter((row, i) => (bytes += row.bytes) <= purgeBytes || i === 0);
    const gone = await this.#expire(step.map(refFromRow), now);
    for (const ref of gone) {
      // One that was never offered holds no lane.
      if (this.#givenBack.takeOut(ref.id)) this.#free(ref);
    }
    return gone.length;
  }

  /** Resolves with those that were there: another purge may take some of them meanwhile. */
  async #expire(refs: readonly Ref[], now: number): Promise<readonly Ref[]> {
    const gone = await this.#dead.change(() =>
      refs.filter((ref) => this.#dead.putExpired(ref, now))
    );
    for (const { webhookId, bytes } of gone) this.#tally.remove(webhookId, bytes);
    this.#tally.expired += gone.length;
    return gone;
  }

  deadLetters(...which: Parameters<Store["deadLetters"]>): Promise<readonly DeadLetter[]> {
    return new Promise((resolve) => resolve(this.#dead.newest(...which)));
  }

  async replay(messageIds: readonly string[] | "all", now: number, ttlMs: number): Promise<number> {
    let replayed = 0;
    for (const letters of this.#dead.groupsOf(messageIds)) {
      if (!letters.every(({ row }) => this.#hasRoom(row.bytes))) await this.purge(now);
      const fitting = this.#takeRoom(letters);
      replayed += await this.#replay(fitting, now + ttlMs);
      if (fitting.length < letters.length) break; // full: the others stay
    }
    return replayed;
  }

  /** Those for which there is room, which is theirs now. */
  #takeRoom(letters: readonly Letter[]): readonly Letter[] {
    const full = letters.findIndex(({ row: { webhook_id, bytes } }) => {
      if (!this.#hasRoom(bytes)) return true;
      this.#tally.add(webhook_id, 1, bytes);
      return false;
    });
    return full === -1 ? letters : letters.slice(0, full);
  }

  async #replay(letters: readonly Letter[], expiresAt: number): Promise<number> {
    let taken = new Set<Letter>();
    try {
      taken = new Set(
        await this.#dead.change(() => {
          // Another replay may have taken some of them meanwhile.
          const here = letters.filter(({ row }) => this.#dead.remove(row.id));
          for (const { row, envelope } of here) {
            const sequence = this.#nextSequence++;
            const lane = this.#settings.lanes.laneOf(envelope);
            this.#sql.reinsert(row, lane, sequence, expiresAt);
            this.#lanes.adding(lane, sequence);
          }
          return here;
        }),
      );
    } finally {
      for (const letter of letters) {
        if (!taken.has(letter)) this.#tally.remove(letter.row.webhook_id, letter.row.bytes);
      }
    }
    return taken.size;
  }

  purgeDeadLetters(): Promise<number> {
    return this.#dead.purge();
  }

  #oldestAt(): number | undefined {
    try {
      return this.#sql.oldestAt();
    } catch {
      return undefined; // statistics do not fail; what is wrong is in /readyz
    }
  }

  #hasRoom(bytes: number): boolean {
    const { maxMessages, maxBytes } = this.#settings;
    const { messages, bytes: kept } = this.#tally;
    return messages < maxMessages && kept + bytes <= maxBytes;
  }

  #take(now: number): StoredMessage | undefined {
    for (;;) {
      const known = this.#givenBack.next();
      if (known && this.#unreadable.has(known.id) && !this.#lanes.mayGo(known)) continue;
      const head = known ? undefined : this.#commit.read(() => this.#lanes.next());
      const ref = known ?? (head && refFromRow(head));
      if (!ref) return undefined;
      if (head && head.ready_at > 0 && !this.#unreadable.has(head.id)) {
        // What waits for a retry since before a restart is known already; or it has expired, and goes.
        if (!this.#isHere(head.id)) this.#lanes.free(head.lane);
        continue;
      }
      const message = this.#read(ref);
      if (!message) continue;
      if (message.expiresAt <= now) {
        this.#lanes.free(ref.lane);
        this.#drop(ref, now).catch(() => {}); // the next purge finds it again
        continue;
      }
      this.#givenBack.takeOut(ref.id);
      ref.deliveries++;
      this.#leased.set(ref.id, ref);
      return message;
    }
  }

  /** It waits for a retry, or somebody has it. */
  #isHere(id: string): boolean {
    return this.#givenBack.has(id) || this.#leased.has(id);
  }

  /** Undefined when it expired or was settled meanwhile, or cannot be read: then the others go on without it. */
  #read(ref: Ref): StoredMessage | undefined {
    try {
      const row = this.#sql.bySequence(ref.sequence);
      const message = row && messageFromRow(row, ref.deliveries + 1);
      if (row) ref.history ??= JSON.parse(row.history);
      this.#unreadable.delete(ref.id);
      return message;
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      this.#unreadable.set(ref.id, `${ref.id} cannot be read: ${why}`);
      this.#lanes.free(ref.lane);
      this.#givenBack.add(ref, unreadableRetryMs);
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

  async #drop(ref: Ref, now: number): Promise<void> {
    this.#givenBack.takeOut(ref.id);
    await this.#expire([ref], now);
  }

  /** What cannot be written leaves the message here: it comes again, and the connector knows it. */
  async #orGivenBack<T>(ref: Ref, written: Promise<T>): Promise<T> {
    try {
      return await written;
    } catch (error) {
      this.#givenBack.add(ref, 0);
      throw error;
    }
  }

  /** Resolves with whether it was there. */
  #remove({ sequence }: { readonly sequence: number }): Promise<boolean> {
    return this.#commit.run(() => this.#sql.remove(sequence));
  }

  #gone(ref: Ref): void {
    this.#free(ref);
    this.#tally.remove(ref.webhookId, ref.bytes);
  }

  /** One that could not be read holds no lane. */
  #free({ id, lane }: Ref): void {
    if (!this.#unreadable.delete(id)) this.#lanes.free(lane);
  }
}
