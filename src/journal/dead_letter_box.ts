import type { DatabaseSync, StatementSync } from "node:sqlite";
import type { DeadLetter, Envelope, LetterSummary, Reason } from "../flow.ts";
import { type About, about } from "../protocol/about.ts";
import { sizeOf } from "../protocol/envelope.ts";

/** A dead letter as it is kept. */
export interface KeptLetter extends DeadLetter {
  /** When it was put away, milliseconds since the epoch. */
  readonly at: number;
}

/** Which letter. */
export type LetterName = About & Pick<LetterSummary, "target">;

export interface BoxLimits {
  readonly maxLetters: number;
  /** Messages and responses. */
  readonly maxBytes: number;
}

/**
 * The dead letters of a connector, one for each message and target. Bounded: the oldest make room, and
 * `onDropped` is told which. Everything here is synchronous; whoever writes runs it in a transaction.
 */
export class DeadLetterBox {
  readonly #limits: BoxLimits;
  readonly #onDropped: (letters: readonly LetterName[]) => void;
  readonly #statements: ReturnType<typeof prepare>;
  #count = 0;
  #bytes = 0;

  constructor(
    db: DatabaseSync,
    limits: BoxLimits,
    onDropped: (letters: readonly LetterName[]) => void,
  ) {
    this.#limits = limits;
    this.#onDropped = onDropped;
    this.#statements = prepare(db);
    this.#recount();
  }

  /** To be called when a transaction was rolled back: what it had counted was not kept. Never throws. */
  recount(): void {
    try {
      this.#recount();
    } catch {
      // What can be neither written nor read: that it was not written is what counts.
    }
  }

  #recount(): void {
    const { count, bytes } = this.#statements.count.get() as { count: number; bytes: number };
    this.#count = count;
    this.#bytes = bytes;
  }

  get count(): number {
    return this.#count;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Keeps a letter; one that is there for the same message and target gives way. */
  put(letter: DeadLetter, now: number): void {
    const { envelope, target, reason, attempts, response } = letter;
    this.drop(envelope.id, target);
    const bytes = sizeOf(envelope) + (response?.byteLength ?? 0);
    this.#statements.put.run(
      envelope.id,
      target,
      now,
      envelope.webhookId,
      envelope.sequence,
      envelope.receivedAt,
      envelope.method,
      envelope.path,
      JSON.stringify(envelope.headers),
      envelope.body,
      JSON.stringify(reason),
      attempts,
      response ?? null,
      bytes,
    );
    this.#count++;
    this.#bytes += bytes;
    this.#makeRoom();
  }

  /** The newest first. */
  list(limit: number): LetterSummary[] {
    return this.#statements.list.all(limit).map((row) => {
      const { id, webhook_id, target, at, attempts, reason, size } = row as unknown as ListRow;
      return {
        messageId: id,
        webhookId: webhook_id,
        target,
        at,
        attempts,
        reason: JSON.parse(reason) as Reason,
        bytes: size,
      };
    });
  }

  /** Those of one message: one for each target that could not be given it. */
  of(messageId: string): KeptLetter[] {
    return this.#statements.of.all(messageId).map((row) => letterOf(row as unknown as LetterRow));
  }

  /** The ids of messages with letters, the oldest first. */
  ids(): string[] {
    return this.#statements.ids.all().map(({ id }) => String(id));
  }

  /** Forgets the letter for a target, or all of the message. Gives how many there were. */
  drop(messageId: string, target?: string): number {
    const rows = target === undefined
      ? this.#statements.dropAll.all(messageId)
      : this.#statements.drop.all(messageId, target);
    for (const { bytes } of rows) this.#bytes -= Number(bytes);
    this.#count -= rows.length;
    return rows.length;
  }

  #makeRoom(): void {
    const dropped: LetterName[] = [];
    while (
      this.#count > 1 &&
      (this.#count > this.#limits.maxLetters || this.#bytes > this.#limits.maxBytes)
    ) {
      const [row] = this.#statements.dropOldest.all();
      if (!row) break;
      this.#count--;
      this.#bytes -= Number(row["bytes"]);
      dropped.push(nameOf(row as unknown as NameRow));
    }
    if (dropped.length > 0) this.#onDropped(dropped);
  }
}

interface ListRow {
  id: string;
  webhook_id: string;
  target: string;
  at: number;
  attempts: number;
  reason: string;
  size: number;
}

interface LetterRow extends Omit<ListRow, "size"> {
  sequence: number;
  received_at: string;
  method: string;
  path: string;
  headers: string;
  body: Uint8Array;
  response: Uint8Array | null;
}

type NameRow = Pick<LetterRow, "id" | "webhook_id" | "target" | "headers">;

function nameOf({ id, webhook_id, target, headers }: NameRow): LetterName {
  return { ...about({ id, webhookId: webhook_id, headers: headersOf({ headers }) }), target };
}

function headersOf({ headers }: Pick<LetterRow, "headers">): Envelope["headers"] {
  return JSON.parse(headers) as Envelope["headers"];
}

function letterOf(row: LetterRow): KeptLetter {
  return {
    envelope: {
      id: row.id,
      webhookId: row.webhook_id,
      sequence: row.sequence,
      receivedAt: row.received_at,
      method: row.method,
      path: row.path,
      headers: headersOf(row),
      body: new Uint8Array(row.body),
    },
    target: row.target,
    at: row.at,
    attempts: row.attempts,
    reason: JSON.parse(row.reason) as Reason,
    response: row.response ? new Uint8Array(row.response) : undefined,
  };
}

function prepare(db: DatabaseSync) {
  const sql = (text: string): StatementSync => db.prepare(text);
  return {
    count: sql("SELECT count(*) AS count, coalesce(sum(bytes), 0) AS bytes FROM dead_letter"),
    put: sql(`
      INSERT INTO dead_letter (id, target, at, webhook_id, sequence, received_at, method, path,
        headers, body, reason, attempts, response, bytes)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`),
    list: sql(`
      SELECT id, webhook_id, target, at, attempts, reason, length(body) AS size
      FROM dead_letter ORDER BY rowid DESC LIMIT ?`),
    of: sql("SELECT * FROM dead_letter WHERE id = ? ORDER BY rowid"),
    ids: sql("SELECT id FROM dead_letter GROUP BY id ORDER BY min(rowid)"),
    drop: sql("DELETE FROM dead_letter WHERE id = ? AND target = ? RETURNING bytes"),
    dropAll: sql("DELETE FROM dead_letter WHERE id = ? RETURNING bytes"),
    dropOldest: sql(`
      DELETE FROM dead_letter WHERE rowid = (SELECT min(rowid) FROM dead_letter)
      RETURNING id, webhook_id, target, headers, bytes`),
  };
}
