import { backoffMs, type BackoffPolicy } from "../async/backoff.ts";
import type { Clock, Random } from "../async/clock.ts";
import { type Connection, type Settlement, SettlementsUnsent } from "../flow.ts";
import type { Observe } from "../observe/events.ts";

interface Entry {
  settlement: Settlement;
  /** When it was handed to the connection that is open now; its confirmation is awaited. */
  sentAt: number | undefined;
}

export interface OutboxOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly observe: Observe;
  /** Settlements kept. Beyond it the oldest is forgotten: the relay gives that message out again. */
  readonly maxEntries: number;
  /** Between tries to send what could not be sent over an open connection. */
  readonly retry: BackoffPolicy;
  /** What the relay has not confirmed after so long is sent again, over the same connection. */
  readonly confirmTimeoutMs: number;
  /** The relay is now known to have these. */
  readonly onConfirmed: (messageIds: readonly string[]) => void;
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
  #isBackingOff = false;
  #cancelRetry = () => {};
  #cancelResend: (() => void) | undefined;

  constructor(options: OutboxOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#entries.size;
  }

  add(settlement: Settlement): void {
    this.#entries.delete(settlement.messageId);
    this.#entries.set(settlement.messageId, { settlement, sentAt: undefined });
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
    this.#stopWaiting();
    for (const entry of this.#entries.values()) entry.sentAt = undefined;
    this.#schedule();
  }

  detach(): void {
    this.#connection = undefined;
    this.#stopWaiting();
  }

  /** The relay has these. Ids that are not waiting here are ignored. */
  confirm(messageIds: readonly string[]): void {
    const confirmed: string[] = [];
    for (const id of messageIds) {
      const entry = this.#entries.get(id);
      // A newer settlement of the same message may be waiting behind the one that is confirmed here.
      if (entry?.sentAt === undefined) continue;
      this.#entries.delete(id);
      confirmed.push(id);
      this.#options.observe({
        type: "settlement.confirmed",
        messageId: id,
        verdict: entry.settlement.verdict,
        retry: entry.settlement.verdict === "nack" && entry.settlement.retry,
      });
    }
    if (confirmed.length > 0) this.#options.onConfirmed(confirmed);
    if (this.#entries.size === 0) this.#options.onEmpty();
  }

  #schedule(): void {
    if (this.#scheduled || this.#sending || this.#isBackingOff || !this.#connection) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      if (this.#connection && !this.#sending) void this.#send(this.#connection);
    });
  }

  /** Never rejects: what fails is kept and sent again. */
  async #send(connection: Connection): Promise<void> {
    const entries = [...this.#entries.values()].filter(({ sentAt }) => sentAt === undefined);
    if (entries.length === 0) return;
    for (const entry of entries) entry.sentAt = this.#options.clock.now();
    this.#sending = true;
    let failed = false;
    try {
      const settlements = entries.map(({ settlement }) => settlement);
      this.confirm(await connection.send({ type: "settle", settlements }));
      this.#failures = 0;
    } catch (error) {
      failed = true;
      if (error instanceof SettlementsUnsent) this.confirm(error.taken);
      for (const entry of entries) entry.sentAt = undefined;
      if (connection === this.#connection) this.#retryLater(error);
    } finally {
      this.#sending = false;
    }
    if (failed && connection === this.#connection) return;
    this.#awaitConfirmation();
    this.#schedule();
  }

  /** A settlement may be lost on the way, and the relay's word about it too. */
  #awaitConfirmation(): void {
    if (this.#cancelResend || this.#entries.size === 0 || !this.#connection) return;
    const { clock, confirmTimeoutMs } = this.#options;
    this.#cancelResend = clock.after(confirmTimeoutMs, () => {
      this.#cancelResend = undefined;
      const before = clock.now() - confirmTimeoutMs;
      for (const entry of this.#entries.values()) {
        if (entry.sentAt !== undefined && entry.sentAt <= before) entry.sentAt = undefined;
      }
      this.#schedule();
      this.#awaitConfirmation();
    });
  }

  #stopWaiting(): void {
    this.#cancelRetry();
    this.#isBackingOff = false;
    this.#cancelResend?.();
    this.#cancelResend = undefined;
  }

  #retryLater(error: unknown): void {
    const { clock, random, retry } = this.#options;
    const retryInMs = backoffMs(retry, this.#failures++, random);
    const waiting = [...this.#entries.values()].filter(({ sentAt }) => sentAt === undefined).length;
    this.#failed(waiting, error instanceof Error ? error.message : String(error), retryInMs);
    this.#isBackingOff = true;
    this.#cancelRetry = clock.after(retryInMs, () => {
      this.#isBackingOff = false;
      this.#schedule();
    });
  }

  #failed(count: number, message: string, retryInMs: number): void {
    this.#options.observe({ type: "settlement.failed", count, message, retryInMs });
  }
}
