import type { GroupCommit } from "../../sqlite/group_commit.ts";
import type { NewMessage, StoreSettings } from "../store.ts";
import type { Tally } from "../tally.ts";
import type { DeadLetters, Letter } from "./dead_letters.ts";
import type { Lanes } from "./lanes.ts";
import type { Statements } from "./statements.ts";

export interface ArrivalsOptions {
  readonly sql: Statements;
  readonly commit: GroupCommit;
  readonly settings: StoreSettings;
  readonly lanes: Lanes;
  readonly tally: Tally;
  readonly dead: DeadLetters;
  /** Makes room, if there is something that has expired. */
  readonly purge: (now: number) => Promise<unknown>;
}

/** What comes into a channel, as far as there is room: each gets its sequence and its lane. */
export class Arrivals {
  readonly #options: ArrivalsOptions;
  #nextSequence: number;

  constructor(options: ArrivalsOptions) {
    this.#options = options;
    this.#nextSequence = options.sql.nextSequence();
  }

  /** Resolves with the sequence of a message that is safe; undefined when the channel is full. */
  async append(message: NewMessage, expiresAt: number, now: number): Promise<number | undefined> {
    const { sql, commit, settings, lanes, tally, purge } = this.#options;
    const bytes = message.body.byteLength;
    const lane = settings.lanes.laneOf(message);
    if (!this.#hasRoom(bytes)) await purge(now);
    if (!this.#hasRoom(bytes)) return undefined;
    commit.assertRoom(bytes);
    // Counted before it is written: those that are written together must not all take the last place.
    tally.add(message.webhookId, 1, bytes);
    try {
      return await commit.run(() => {
        const sequence = this.#nextSequence;
        sql.insert(message, lane, sequence, expiresAt);
        lanes.adding(lane, sequence);
        this.#nextSequence = sequence + 1;
        return sequence;
      });
    } catch (error) {
      tally.remove(message.webhookId, bytes);
      // What was numbered in a group that failed was not written: the numbers are given again.
      this.#nextSequence = Math.max(lanes.offeredUpTo + 1, this.#storedSequence());
      throw error;
    }
  }

  /** Makes dead letters messages again, for so long; resolves with how many. */
  async replay(messageIds: readonly string[] | "all", now: number, ttlMs: number): Promise<number> {
    const { dead, purge } = this.#options;
    let replayed = 0;
    for (const letters of dead.groupsOf(messageIds)) {
      if (!letters.every(({ row }) => this.#hasRoom(row.bytes))) await purge(now);
      const fitting = this.#takeRoom(letters);
      replayed += await this.#replay(fitting, now + ttlMs);
      if (fitting.length < letters.length) break; // full: the others stay
    }
    return replayed;
  }

  #hasRoom(bytes: number): boolean {
    const { settings: { maxMessages, maxBytes }, tally } = this.#options;
    return tally.messages < maxMessages && tally.bytes + bytes <= maxBytes;
  }

  /** Those for which there is room, which is theirs now. */
  #takeRoom(letters: readonly Letter[]): readonly Letter[] {
    const full = letters.findIndex(({ row: { webhook_id, bytes } }) => {
      if (!this.#hasRoom(bytes)) return true;
      this.#options.tally.add(webhook_id, 1, bytes);
      return false;
    });
    return full === -1 ? letters : letters.slice(0, full);
  }

  async #replay(letters: readonly Letter[], expiresAt: number): Promise<number> {
    const { sql, settings, lanes, tally, dead } = this.#options;
    let taken = new Set<Letter>();
    try {
      taken = new Set(
        await dead.change(() => {
          // Another replay may have taken some of them meanwhile.
          const here = letters.filter(({ row }) => dead.remove(row.id));
          for (const { row, envelope } of here) {
            const sequence = this.#nextSequence++;
            const lane = settings.lanes.laneOf(envelope);
            sql.reinsert(row, lane, sequence, expiresAt);
            lanes.adding(lane, sequence);
          }
          return here;
        }),
      );
    } finally {
      for (const letter of letters) {
        if (!taken.has(letter)) tally.remove(letter.row.webhook_id, letter.row.bytes);
      }
    }
    return taken.size;
  }

  #storedSequence(): number {
    try {
      return this.#options.sql.nextSequence();
    } catch {
      return this.#nextSequence; // a gap proves nothing, a repeat would
    }
  }
}
