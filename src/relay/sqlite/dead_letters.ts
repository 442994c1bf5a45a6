import type { GroupCommit } from "../../sqlite/group_commit.ts";
import type { Envelope } from "../../protocol/envelope.ts";
import { historyWith, reasonOfExpiry } from "../history.ts";
import type { DeadLetter, FailedDelivery, StoreSettings } from "../store.ts";
import { type DeadLetterHead, type DeadLetterRow, messageFromRow, type Ref } from "./rows.ts";
import type { Statements } from "./statements.ts";

/** Bodies that are in memory at a time when letters are given out again: all of them may be too many. */
const groupBytes = 16 * 1024 * 1024;

/** A letter that is to be given out again. */
export interface Letter {
  readonly row: DeadLetterRow;
  readonly envelope: Envelope;
}

/** How many there may be, and the bytes of their bodies. */
type Bounds = Pick<StoreSettings, "maxDeadLetters" | "maxDeadLetterBytes">;

/** The dead letters of one channel. Where there are more than may be the oldest go; the newest stays. */
export class DeadLetters {
  readonly #sql: Statements;
  readonly #commit: GroupCommit;
  readonly #bounds: Bounds;
  readonly #onDropped: (count: number) => void;
  /** By message id, the oldest first; undefined until somebody wants them. */
  #sizes: Map<string, number> | undefined;

  constructor(
    sql: Statements,
    commit: GroupCommit,
    bounds: Bounds,
    onDropped: (count: number) => void,
  ) {
    this.#sql = sql;
    this.#commit = commit;
    this.#bounds = bounds;
    this.#onDropped = onDropped;
  }

  /** Commits what `change` does to the letters. Rejects with `StoreUnavailableError`; nothing was changed then. */
  async change<T>(change: () => T): Promise<T> {
    try {
      const [result, dropped] = await this.#commit.run(() => [change(), this.#trim()] as const);
      if (dropped > 0) this.#onDropped(dropped);
      return result;
    } catch (error) {
      this.#sizes = undefined; // as they were before, whatever else was in that group
      throw error;
    }
  }

  /** Puts a message there, and removes it from the others. Rejects with `StoreUnavailableError`. */
  async put(ref: Ref, failed: FailedDelivery): Promise<void> {
    const history = JSON.stringify(historyWith(ref.history, failed));
    await this.change(() => this.#bury(ref, { ...ref, history }, failed));
  }

  /** Within a change: puts there what has expired, and removes it from the others; false when it was not there. */
  putExpired(ref: Ref, at: number): boolean {
    const past = this.#sql.past(ref.sequence);
    if (!past) return false;
    const reason = reasonOfExpiry(historyIn(past));
    this.#bury(ref, { sequence: ref.sequence, ...past }, { reason, at });
    return true;
  }

  #bury({ id, bytes }: Ref, ...how: Parameters<Statements["bury"]>): void {
    const sizes = this.#held();
    this.#sql.bury(...how);
    sizes.delete(id); // it is the newest now
    sizes.set(id, bytes);
  }

  /** How many went. */
  #trim(): number {
    const { maxDeadLetters, maxDeadLetterBytes } = this.#bounds;
    const sizes = this.#held();
    let bytes = 0;
    for (const size of sizes.values()) bytes += size;
    let dropped = 0;
    for (const [id, size] of sizes) {
      if (sizes.size <= 1 || (sizes.size <= maxDeadLetters && bytes <= maxDeadLetterBytes)) break;
      if (this.remove(id)) dropped++;
      bytes -= size;
    }
    return dropped;
  }

  #held(): Map<string, number> {
    return this.#sizes ??= new Map(this.#sql.deadLetterSizes().map(({ id, bytes }) => [id, bytes]));
  }

  /** How many there are; 0 while they cannot be read. */
  get kept(): number {
    try {
      return this.#held().size;
    } catch {
      return 0; // statistics do not fail; what is wrong is in /readyz
    }
  }

  /** One that is damaged is there, says so, and is empty. */
  newest(limit: number, takes: (bytes: number) => boolean = () => true): readonly DeadLetter[] {
    const heads = this.#commit.read(() => this.#sql.deadLetterHeads(limit));
    const end = heads.findIndex(({ bytes }) => !takes(bytes));
    return heads.slice(0, end === -1 ? heads.length : end).map((head) => this.#letterOf(head));
  }

  #letterOf(head: DeadLetterHead): DeadLetter {
    try {
      const row = this.#sql.deadLetter(head.id);
      return letterOf(row, JSON.parse(row.history));
    } catch (error) {
      const reason = `cannot be read: ${error instanceof Error ? error.message : String(error)}`;
      const nothing = { method: "", path: "", headers: "[]", body: new Uint8Array() };
      return letterOf({ ...head, ...nothing, reason }, []);
    }
  }

  /**
   * Those of the messages that are there and can be read, the oldest first; each group read when the one before is done
   * with.
   */
  *groupsOf(messageIds: readonly string[] | "all"): Generator<readonly Letter[]> {
    const sizes = this.#commit.read(() => this.#sql.deadLetterSizes());
    const wanted = messageIds === "all" ? undefined : new Set(messageIds);
    let group: string[] = [];
    let room = groupBytes;
    for (const { id, bytes } of sizes) {
      if (wanted && !wanted.has(id)) continue;
      if (group.length > 0 && bytes > room) {
        yield this.#read(group);
        group = [];
        room = groupBytes;
      }
      group.push(id);
      room -= bytes;
    }
    if (group.length > 0) yield this.#read(group);
  }

  #read(messageIds: readonly string[]): readonly Letter[] {
    return messageIds.flatMap((id) => {
      try {
        const row = this.#sql.deadLetter(id);
        return [{ row, envelope: messageFromRow(row, 0).envelope }];
      } catch {
        return []; // damaged, or gone meanwhile
      }
    });
  }

  /** Within a change. False when it is not there any more. */
  remove(messageId: string): boolean {
    this.#held().delete(messageId);
    return this.#sql.removeDeadLetter(messageId);
  }

  /** Resolves with how many there were. */
  purge(): Promise<number> {
    return this.change(() => {
      this.#held().clear();
      return this.#sql.removeDeadLetters();
    });
  }
}

/** Of a damaged row: nothing. */
function historyIn({ history }: { readonly history: string }): readonly FailedDelivery[] {
  try {
    return JSON.parse(history);
  } catch {
    return [];
  }
}

function letterOf(
  row: Omit<DeadLetterRow, "history">,
  history: DeadLetter["history"],
): DeadLetter {
  return {
    message: messageFromRow(row, row.deliveries),
    reason: row.reason,
    at: row.at,
    history,
  };
}
