import { backoffMs, type BackoffPolicy } from "../async/backoff.ts";
import type { Clock, Random } from "../async/clock.ts";
import { type Connection, type Settlement, SettlementsUnsent } from "../flow.ts";
import type { Observe } from "../observe/events.ts";

interface Entry {
  settlement: Settlement;
  /** Handed to the connection that is open now; its confirmation is awaited. */
  sent: boolean;
}

export interface OutboxOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly observe: Observe;
  /** Settlements kept. Beyond it the oldest is forgotten: the relay gives that message out again. */
  readonly maxEntries: number;
  /** Between tries to send what could not be sent over an open connection. */
  readonly retry: BackoffPolicy;
  /** Called whenever the last entry is confirmed. */
  readonly onEmpty: () => void;
}

/**
 * The settlements that the relay is not known to have. They are sent together, one turn of the event loop
 * at a time; they stay until confirmed, are sent again over the next connection, and may be sent twice:
 * a settlement is idempotent.
 */
export class Outbox {
  readonly #options: OutboxOptions;
  readonly #entries = new Map<string, Entry>();
  #connection: Connection | undefined;
  #scheduled = false;
  #sending = false;
  #failures = 0;
  #cancelRetry = () => {};

  constructor(options: OutboxOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#entries.size;
  }

  add(settlement: Settlement): void {
    this.#entries.delete(settlement.messageId);
    this.#entries.set(settlement.messageId, { settlement, sent: false });
    for (const id of this.#entries.keys()) {
      if (this.#entries.size <= this.#options.maxEntries) break;
      this.#entries.delete(id);
      this.#failed(1, `more than ${this.#options.maxEntries} settlements are waiting`, 0);
    }
    this.#schedule();
  }

  /** From now on settlements go over `connection`, those that are still unconfirmed first. */
  attach(connection: Connection): void {
    this.#connection = connection;
    this.#failures = 0;
    this.#cancelRetry();
    for (const entry of this.#entries.values()) entry.sent = false;
    this.#schedule();
  }

  detach(): void {
    this.#connection = undefined;
    this.#cancelRetry();
  }

  /** The relay has these. Ids that are not waiting here are ignored. */
  confirm(messageIds: readonly string[]): void {
    for (const id of messageIds) {
      const entry = this.#entries.get(id);
      // A newer settlement of the same message may be waiting behind the one that is confirmed here.
      if (!entry?.sent) continue;
      this.#entries.delete(id);
      this.#options.observe({
        type: "settlement.confirmed",
        messageId: id,
        verdict: entry.settlement.verdict,
        retry: entry.settlement.verdict === "nack" && entry.settlement.retry,
      });
    }
    if (this.#entries.size === 0) this.#options.onEmpty();
  }

  #schedule(): void {
    if (this.#scheduled || this.#sending || !this.#connection) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      if (this.#connection && !this.#sending) void this.#send(this.#connection);
    });
  }

  /** Never rejects: what fails is kept and sent again. */
  async #send(connection: Connection): Promise<void> {
    const entries = [...this.#entries.values()].filter((entry) => !entry.sent);
    if (entries.length === 0) return;
    for (const entry of entries) entry.sent = true;
    this.#sending = true;
    let failed = false;
    try {
      const settlements = entries.map(({ settlement }) => settlement);
      this.confirm(await connection.send({ type: "settle", settlements }));
      this.#failures = 0;
    } catch (error) {
      failed = true;
      if (error instanceof SettlementsUnsent) this.confirm(error.taken);
      for (const entry of entries) entry.sent = false;
      if (connection === this.#connection) this.#retryLater(error);
    } finally {
      this.#sending = false;
    }
    if (!failed || connection !== this.#connection) this.#schedule();
  }

  #retryLater(error: unknown): void {
    const { clock, random, retry } = this.#options;
    const retryInMs = backoffMs(retry, this.#failures++, random);
    const waiting = [...this.#entries.values()].filter(({ sent }) => !sent).length;
    this.#failed(waiting, error instanceof Error ? error.message : String(error), retryInMs);
    this.#cancelRetry(); // something added meanwhile may have been sent, and failed, before it was due
    this.#cancelRetry = clock.after(retryInMs, () => this.#schedule());
  }

  #failed(count: number, message: string, retryInMs: number): void {
    this.#options.observe({ type: "settlement.failed", count, message, retryInMs });
  }
}
