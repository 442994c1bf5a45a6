import type { Clock } from "../../async/clock.ts";
import type { GroupCommit } from "../../sqlite/group_commit.ts";
import type { StoredMessage } from "../store.ts";
import { GivenBack } from "./given_back.ts";
import type { Lanes } from "./lanes.ts";
import { messageFromRow, type Ref, refFromRow } from "./rows.ts";
import type { Statements } from "./statements.ts";

/** When a message that could not be read is tried again. */
const unreadableRetryMs = 60_000;

export interface ReadyQueueOptions {
  readonly sql: Statements;
  readonly commit: GroupCommit;
  readonly clock: Clock;
  readonly lanes: Lanes;
  readonly isLeased: (messageId: string) => boolean;
  /** Told of a message that has expired when its turn comes: it is in the queue no more. */
  readonly onExpired: (ref: Ref, now: number) => void;
}

/** A message whose turn has come. */
export interface Next {
  readonly ref: Ref;
  readonly message: StoredMessage;
}

/** The messages that nobody has: those that were given back go first, then the lanes take turns. */
export class ReadyQueue {
  readonly #options: ReadyQueueOptions;
  readonly #givenBack: GivenBack;
  /** What could not be read, by message id, and why. */
  readonly #unreadable = new Map<string, string>();

  constructor(options: ReadyQueueOptions) {
    this.#options = options;
    this.#givenBack = new GivenBack(options.clock);
  }

  /** Why a message is not given out; undefined when all can be. */
  get problem(): string | undefined {
    return this.#unreadable.values().next().value;
  }

  /** How many messages are there that cannot be read. */
  get unreadable(): number {
    return this.#unreadable.size;
  }

  isUnreadable(messageId: string): boolean {
    return this.#unreadable.has(messageId);
  }

  /** Until the next one that was given back becomes ready, or less, milliseconds; undefined when none waits. */
  get readyInMs(): number | undefined {
    return this.#givenBack.readyInMs;
  }

  /** What has waited since before a restart. */
  restore(ref: Ref, delayMs: number): void {
    this.#options.lanes.hold(ref.lane);
    this.giveBack(ref, delayMs);
  }

  giveBack(ref: Ref, delayMs: number): void {
    this.#givenBack.add(ref, delayMs);
  }

  /** One that was given back, which comes no more; undefined when it is none. */
  takeOut(messageId: string): Ref | undefined {
    return this.#givenBack.takeOut(messageId);
  }

  /** It is gone for good. One that could not be read holds no lane. */
  free({ id, lane }: Ref): void {
    if (!this.#unreadable.delete(id)) this.#options.lanes.free(lane);
  }

  /** Takes the next message out. */
  next(now: number): Next | undefined {
    const { commit, lanes, onExpired } = this.#options;
    for (;;) {
      const known = this.#givenBack.next();
      if (known && this.#unreadable.has(known.id) && !lanes.mayGo(known)) continue;
      const head = known ? undefined : commit.read(() => lanes.next());
      const ref = known ?? (head && refFromRow(head));
      if (!ref) return undefined;
      if (head && head.ready_at > 0 && !this.#unreadable.has(head.id)) {
        // What waits for a retry since before a restart is known already; or it has expired, and goes.
        if (!this.#isHere(head.id)) lanes.free(head.lane);
        continue;
      }
      const message = this.#read(ref);
      if (!message) continue;
      this.#givenBack.takeOut(ref.id);
      if (message.expiresAt > now) return { ref, message };
      lanes.free(ref.lane);
      onExpired(ref, now);
    }
  }

  /** It waits for a retry, or somebody has it. */
  #isHere(id: string): boolean {
    return this.#givenBack.has(id) || this.#options.isLeased(id);
  }

  /** Undefined when it expired or was settled meanwhile, or cannot be read: then the others go on without it. */
  #read(ref: Ref): StoredMessage | undefined {
    const { sql, lanes } = this.#options;
    try {
      const row = sql.bySequence(ref.sequence);
      const message = row && messageFromRow(row, ref.deliveries + 1);
      if (row) ref.history ??= JSON.parse(row.history);
      this.#unreadable.delete(ref.id);
      return message;
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      this.#unreadable.set(ref.id, `${ref.id} cannot be read: ${why}`);
      lanes.free(ref.lane);
      this.giveBack(ref, unreadableRetryMs);
      return undefined;
    }
  }
}
