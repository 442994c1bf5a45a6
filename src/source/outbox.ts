import { backoffMs, type BackoffPolicy } from "../async/backoff.ts";
import type { Clock, Random } from "../async/clock.ts";
import { AgedMap } from "../async/aged_map.ts";
import { type Connection, type Settlement, SettlementsUnsent } from "../flow.ts";
import type { Observe } from "../observe/events.ts";

interface Sent {
  readonly settlement: Settlement;
  readonly at: number;
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
  /** By message id; the oldest first, as all of these. */
  readonly #unsent = new AgedMap<Settlement>();
  /** Handed to the connection that is open now; their confirmation is awaited. */
  readonly #sent = new AgedMap<Sent>();
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
    return this.#unsent.size + this.#sent.size;
  }

  add(settlement: Settlement): void {
    const { messageId } = settlement;
    this.#sent.delete(messageId);
    this.#unsent.set(messageId, settlement);
    this.#forgetOldest();
    this.#schedule();
  }

  #forgetOldest(): void {
    const { maxEntries } = this.#options;
    const { size } = this;
    if (size <= maxEntries) return;
    this.#sent.forgetOldest(Math.max(0, maxEntries - this.#unsent.size));
    this.#unsent.forgetOldest(maxEntries);
    this.#failed(size - this.size, `more than ${maxEntries} settlements are waiting`, 0);
  }

  /** Those of these that nobody has confirmed are to be sent again. */
  #takeBack(settlements: readonly Settlement[]): void {
    for (const settlement of settlements) {
      const { messageId } = settlement;
      if (this.#sent.get(messageId)?.settlement !== settlement) continue;
      this.#sent.delete(messageId);
      this.#unsent.set(messageId, settlement);
    }
  }

  /** From now on settlements go over `connection`, those that are still unconfirmed first. */
  attach(connection: Connection): void {
    this.#connection = connection;
    this.#failures = 0;
    this.#stopWaiting();
    this.#takeBack([...this.#sent.values()].map(({ settlement }) => settlement));
    this.#schedule();
  }

  detach(): void {
    this.#connection = undefined;
    this.#stopWaiting();
  }

  /** The relay has these. The result is how many are none that wait here: nothing comes of them. */
  confirm(messageIds: readonly string[]): number {
    const confirmed: string[] = [];
    for (const id of messageIds) {
      // A newer settlement of the same message may be waiting behind the one that is confirmed here.
      const sent = this.#sent.get(id);
      if (!sent) continue;
      this.#sent.delete(id);
      confirmed.push(id);
      const { settlement } = sent;
      this.#options.observe({
        type: "settlement.confirmed",
        messageId: id,
        verdict: settlement.verdict,
        retry: settlement.verdict === "nack" && settlement.retry,
      });
    }
    if (confirmed.length > 0) this.#options.onConfirmed(confirmed);
    if (this.size === 0) this.#options.onEmpty();
    return messageIds.length - confirmed.length;
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
    if (this.#unsent.size === 0) return;
    const settlements = [...this.#unsent.values()];
    const at = this.#options.clock.monotonic();
    for (const settlement of settlements) this.#sent.set(settlement.messageId, { settlement, at });
    this.#unsent.clear();
    this.#sending = true;
    let failed = false;
    try {
      this.confirm(await connection.send({ type: "settle", settlements }));
      this.#failures = 0;
    } catch (error) {
      failed = true;
      if (error instanceof SettlementsUnsent) this.confirm(error.taken);
      this.#takeBack(settlements);
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
    if (this.#cancelResend || this.size === 0 || !this.#connection) return;
    const { clock, confirmTimeoutMs } = this.#options;
    this.#cancelResend = clock.after(confirmTimeoutMs, () => {
      this.#cancelResend = undefined;
      const before = clock.monotonic() - confirmTimeoutMs;
      const late = [...this.#sent.values()].filter(({ at }) => at <= before);
      this.#takeBack(late.map(({ settlement }) => settlement));
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
    this.#failed(
      this.#unsent.size,
      error instanceof Error ? error.message : String(error),
      retryInMs,
    );
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
