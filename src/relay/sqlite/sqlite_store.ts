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
import { Arrivals } from "./arrivals.ts";
import { DeadLetters } from "./dead_letters.ts";
import { ExclusiveLanes, SharedLanes } from "./lanes.ts";
import { ReadyQueue } from "./ready_queue.ts";
import { type Ref, refFromRow } from "./rows.ts";
import { Statements } from "./statements.ts";

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
  readonly #leased = new Map<string, Ref>();
  readonly #queue: ReadyQueue;
  readonly #arrivals: Arrivals;
  readonly #tally = new Tally();
  readonly #dead: DeadLetters;

  constructor(
    db: DatabaseSync,
    commit: GroupCommit,
    clock: Clock,
    channel: string,
    settings: StoreSettings,
  ) {
    this.#commit = commit;
    this.#clock = clock;
    this.#sql = new Statements(db, channel);
    for (const { webhook_id, messages, bytes } of this.#sql.counts()) {
      this.#tally.add(webhook_id, messages, bytes);
    }
    this.#dead = new DeadLetters(this.#sql, commit, settings, (count) => {
      this.#tally.deadLettersDropped += count;
    });
    const shared = {
      sql: this.#sql,
      commit,
      lanes: new (settings.lanes.exclusive ? ExclusiveLanes : SharedLanes)(this.#sql),
    };
    this.#arrivals = new Arrivals({
      ...shared,
      settings,
      tally: this.#tally,
      dead: this.#dead,
      purge: (now) => this.purge(now),
    });
    this.#queue = new ReadyQueue({
      ...shared,
      clock,
      isLeased: (id) => this.#leased.has(id),
      onExpired: (ref, now) => void this.#expire([ref], now).catch(() => {}), // the next purge finds it again
    });
    for (const { ready_at, ...row } of this.#sql.delayed()) {
      // The clock may have been set back since: no delay is longer than the TTL.
      const delayMs = Math.min(Math.max(0, ready_at - clock.now()), settings.ttlMs);
      this.#queue.restore(refFromRow(row), delayMs);
    }
  }

  /** Why a message is not given out; undefined when all can be. */
  get problem(): string | undefined {
    return this.#queue.problem;
  }

  append(message: NewMessage, expiresAt: number, now: number): Promise<number | undefined> {
    return this.#arrivals.append(message, expiresAt, now);
  }

  take(now: number): Promise<StoredMessage | undefined> {
    return new Promise((resolve) => {
      const next = this.#queue.next(now);
      if (next) {
        next.ref.deliveries++;
        this.#leased.set(next.ref.id, next.ref);
      }
      resolve(next?.message);
    });
  }

  async claim(messageId: string): Promise<boolean> {
    // Taken out at once: or it would be given out before this is written.
    const ref = this.#queue.takeOut(messageId);
    if (!ref) return false;
    if (!await this.#orGivenBack(ref, this.#remove(ref))) {
      this.#queue.free(ref); // it has expired, and was counted as such
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
    this.#queue.giveBack(ref, delayMs);
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
    return this.#queue.readyInMs;
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
    const limit = purgeStep + this.#leased.size + this.#queue.unreadable;
    const expired = this.#commit.read(() => this.#sql.expired(now, limit))
      // One that is damaged may stop the deletion of the others.
      .filter(({ id }) => !this.#leased.has(id) && !this.#queue.isUnreadable(id))
      .slice(0, purgeStep);
    if (expired.length === 0) return 0;
    let bytes = 0;
    const step = expired.filter((row, i) => (bytes += row.bytes) <= purgeBytes || i === 0);
    const gone = await this.#expire(step.map(refFromRow), now);
    for (const ref of gone) {
      // One that was never offered holds no lane.
      if (this.#queue.takeOut(ref.id)) this.#queue.free(ref);
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

  replay(...which: Parameters<Store["replay"]>): Promise<number> {
    return this.#arrivals.replay(...which);
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

  /** What cannot be written leaves the message here: it comes again, and the connector knows it. */
  async #orGivenBack<T>(ref: Ref, written: Promise<T>): Promise<T> {
    try {
      return await written;
    } catch (error) {
      this.#queue.giveBack(ref, 0);
      throw error;
    }
  }

  /** Resolves with whether it was there. */
  #remove({ sequence }: { readonly sequence: number }): Promise<boolean> {
    return this.#commit.run(() => this.#sql.remove(sequence));
  }

  #gone(ref: Ref): void {
    this.#queue.free(ref);
    this.#tally.remove(ref.webhookId, ref.bytes);
  }
}
