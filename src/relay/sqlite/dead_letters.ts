import type { GroupCommit } from "../../sqlite/group_commit.ts";
import type { Envelope } from "../../protocol/envelope.ts";
import { historyWith, reasonOfExpiry } from "../history.ts";
import type { DeadLetter, FailedDelivery } from "../store.ts";
import { type DeadLetterHead, type DeadLetterRow, messageFromRow, type Ref } from "./rows.ts";
import type { Statements } from "./statements.ts";

/** Bodies that are in memory at a time when letters are given out again: all of them may be too many. */
const groupBytes = 16 * 1024 * 1024;

/** A letter that is to be given out again. */
export interface Letter {
  readonly row: DeadLetterRow;
  readonly envelope: Envelope;
}

/** The dead letters of one channel, at most `most`: beyond it the oldest goes. */
export class DeadLetters {
  readonly #sql: Statements;
  readonly #commit: GroupCommit;
  readonly #most: number;

  constructor(sql: Statements, commit: GroupCommit, most: number) {
    this.#sql = sql;
    this.#commit = commit;
    this.#most = most;
  }

  /** Puts a message there, and removes it from the others. Rejects with `StoreUnavailableError`. */
  async put(ref: Ref, failed: FailedDelivery): Promise<void> {
    const history = JSON.stringify(historyWith(ref.history, failed));
    await this.#commit.run(() => {
      this.#sql.bury({ ...ref, history }, failed);
      this.trim();
    });
  }

  /** Within a transaction: puts there what has expired, and removes it from the others; false when it was not there. */
  putExpired(sequence: number, at: number): boolean {
    const past = this.#sql.past(sequence);
    if (!past) return false;
    this.#sql.bury({ sequence, ...past }, { reason: reasonOfExpiry(historyIn(past)), at });
    return true;
  }

  /** Within a transaction: keeps no more than there may be. */
  trim(): void {
    this.#sql.removeDeadLettersBeyond(this.#most);
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

  /** Within a transaction. False when it is not there any more. */
  remove(messageId: string): boolean {
    return this.#sql.removeDeadLetter(messageId);
  }

  /** Resolves with how many there were. */
  purge(): Promise<number> {
    return this.#commit.run(() => this.#sql.removeDeadLetters());
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
