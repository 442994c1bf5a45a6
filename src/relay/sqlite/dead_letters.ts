import type { GroupCommit } from "../../sqlite/group_commit.ts";
import type { DeadLetter, FailedDelivery } from "../store.ts";
import { type DeadLetterRow, messageFromRow, type Ref } from "./rows.ts";
import type { Statements } from "./statements.ts";

/** The dead letters of one channel, at most `most`: beyond it the oldest goes. */
export class DeadLetters {
  readonly #sql: Statements;
  readonly #commit: GroupCommit;
  readonly #most: number;
  #count: number;

  constructor(sql: Statements, commit: GroupCommit, most: number) {
    this.#sql = sql;
    this.#commit = commit;
    this.#most = most;
    this.#count = sql.countDeadLetters();
  }

  /** Puts a message there, and removes it from the others. Within a transaction; then to be `counted`. */
  put(ref: Ref, failed: FailedDelivery): void {
    const history = JSON.stringify([...ref.history, failed]);
    this.#sql.bury({ ...ref, history }, failed);
    if (this.#count >= this.#most) this.#sql.removeOldestDeadLetter();
  }

  /** One more has been put there, or `change` have been. */
  counted(change = 1): void {
    this.#count = Math.min(this.#count + change, this.#most);
  }

  newest(limit: number): readonly DeadLetter[] {
    return this.#commit.read(() => this.#sql.deadLetters(limit)).map((row) => ({
      message: messageFromRow(row, row.deliveries),
      reason: row.reason,
      at: row.at,
      history: JSON.parse(row.history),
    }));
  }

  of(messageIds: readonly string[] | "all"): readonly DeadLetterRow[] {
    return this.#commit.read(() => this.#sql.deadLettersOf(messageIds));
  }

  /** Within a transaction. False when it is not there any more. */
  remove(messageId: string): boolean {
    return this.#sql.removeDeadLetter(messageId);
  }

  /** Resolves with how many there were. */
  async purge(): Promise<number> {
    const removed = this.#count;
    await this.#commit.run(() => this.#sql.removeDeadLetters());
    this.#count = 0;
    return removed;
  }
}
