import { backoffMs, type BackoffPolicy } from "../async/backoff.ts";
import type { Clock, Random } from "../async/clock.ts";
import { Chain, type Linked } from "../async/chain.ts";
import { type Connection, type Settlement, SettlementsUnsent } from "../flow.ts";
import type { Observe } from "../observe/events.ts";

/** A settlement, when it came here, and when it was handed to the connection that is open now. */
class Entry implements Linked {
  readonly settlement: Settlement;
  readonly since: number;
  sentAt: number | undefined = undefined;
  older: this | undefined = undefined;
  newer: this | undefined = undefined;

  constructor(settlement: Settlement, since: number) {
    this.settlement = settlement;
    this.since = since;
  }
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
  /** By message id, the oldest first. */
  readonly #entries = new Map<string, Entry>();
  readonly #unsent = new Chain<Entry>();
  /** Handed to the connection that is open now; their confirmation is awaited. */
  readonly #sent = new Chain<Entry>();
  #connection: Connection | undefined;
  #keptUntil = -Infinity;
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

  /** How long the oldest has been here, milliseconds; 0 when there is none. */
  get oldestAgeMs(): number {
    const [oldest] = this.#entries.values();
    return oldest ? this.#options.clock.monotonic() - oldest.since : 0;
  }

  /**
   * With the connection before the relay took its messages back, if it does not keep them for us: that they may come again
   * need not be said any more.
   */
  forgetRetries(): void {
    if (this.#options.clock.monotonic() < this.#keptUntil) return;
    for (const entry of [...this.#entries.values()]) {
      const { settlement } = entry;
      if (settlement.verdict === "nack" && settlement.retry) this.#remove(entry);
    }
    if (this.size === 0) this.#options.onEmpty();
  }

  /** Of the messages of which the relay is still to be told how they ended. */
  get messageIds(): readonly string[] {
    return [...this.#entries.keys()];
  }

  /** The relay is still to be told how this message ended. */
  has(messageId: string): boolean {
    return this.#entries.has(messageId);
  }

  add(settlement: Settlement): void {
    const { messageId } = settlement;
    this.#remove(this.#entries.get(messageId));
    const entry = new Entry(settlement, this.#options.clock.monotonic());
    this.#entries.set(messageId, entry);
    this.#unsent.add(entry);
    this.#forgetOldest();
    this.#schedule();
  }

  #forgetOldest(): void {
    const { maxEntries } = this.#options;
    const { size } = this;
    if (size <= maxEntries) return;
    while (this.size > maxEntries) this.#remove(this.#sent.oldest ?? this.#unsent.oldest);
    this.#failed(size - this.size, `more than ${maxEntries} settlements are waiting`, 0);
  }

  #remove(entry: Entry | undefined): void {
    if (!entry) return;
    this.#chainOf(entry).remove(entry);
    this.#entries.delete(entry.settlement.messageId);
  }

  #chainOf({ sentAt }: Entry): Chain<Entry> {
    return sentAt === undefined ? this.#unsent : this.#sent;
  }

  /** Those of these that nobody has confirmed are to be sent again. */
  #takeBack(entries: readonly Entry[]): void {
    for (const entry of entries) {
      const isKnown = this.#entries.get(entry.settlement.messageId) === entry;
      if (!isKnown || entry.sentAt === undefined) continue;
      this.#sent.remove(entry);
      entry.sentAt = undefined;
      this.#unsent.add(entry);
    }
  }

  /** From now on settlements go over `connection`, those that are still unconfirmed first. */
  attach(connection: Connection): void {
    this.#connection = connection;
    this.#failures = 0;
    this.#stopWaiting();
    this.#takeBack([...this.#sent]);
    this.#schedule();
  }

  /** For `keptMs` the relay keeps for us what it handed out over this connection. */
  detach(keptMs = 0): void {
    this.#connection = undefined;
    this.#keptUntil = this.#options.clock.monotonic() + keptMs;
    this.#stopWaiting();
  }

  /** The relay has these. The result is how many are none that wait here: nothing comes of them. */
  confirm(messageIds: readonly string[]): number {
    const confirmed: string[] = [];
    for (const id of messageIds) {
      // A newer settlement of the same message may be waiting behind the one that is confirmed here.
      const entry = this.#entries.get(id);
      if (entry?.sentAt === undefined) continue;
      this.#remove(entry);
      confirmed.push(id);
      const { settlement } = entry;
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
    const entries = [...this.#unsent];
    const sentAt = this.#options.clock.monotonic();
    for (const entry of entries) {
      this.#unsent.remove(entry);
      entry.sentAt = sentAt;
      this.#sent.add(entry);
    }
    this.#sending = true;
    let failed = false;
    try {
      const settlements = entries.map(({ settlement }) => settlement);
      this.confirm(await connection.send({ type: "settle", settlements }));
      this.#failures = 0;
    } catch (error) {
      failed = true;
      if (error instanceof SettlementsUnsent) this.confirm(error.taken);
      this.#takeBack(entries);
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
      this.#takeBack([...this.#sent].filter(({ sentAt = 0 }) => sentAt <= before));
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
