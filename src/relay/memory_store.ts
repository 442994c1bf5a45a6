import { noDirectory } from "./directory.ts";
import { Heap } from "./heap.ts";
import type {
  DeadLetter,
  NewMessage,
  Store,
  StoredMessage,
  StoreLimits,
  Stores,
  StoreStats,
} from "./store.ts";

/** Stores that live as long as the process. */
export const memoryStores: Stores = {
  name: "memory",
  open: (_channel, limits) => new MemoryStore(limits),
  directory: noDirectory,
  problem: undefined,
  close() {},
};

interface Waiting {
  readonly message: StoredMessage;
  readonly readyAt: number;
}

interface Pending {
  readonly webhookId: string;
  readonly receivedAt: number;
  readonly expiresAt: number;
  readonly bytes: number;
}

/** A store that lives as long as the process. No operation looks at more than a few messages. */
export class MemoryStore implements Store {
  readonly #limits: StoreLimits;
  readonly #ready = new Heap<StoredMessage>(({ envelope }) => envelope.sequence);
  readonly #waiting = new Heap<Waiting>(({ readyAt }) => readyAt);
  /** Settled or expired while still in a heap: skipped when it comes up. */
  readonly #gone = new Set<string>();
  readonly #leased = new Map<string, StoredMessage>();
  /** By id, in order of arrival, everything not settled. */
  readonly #all = new Map<string, Pending>();
  readonly #pendingByWebhookId = new Map<string, number>();
  #deadLetters: DeadLetter[] = [];
  #sequence = 0;
  #bytes = 0;
  #delivered = 0;
  #expired = 0;
  #deadLettered = 0;

  constructor(limits: StoreLimits) {
    this.#limits = limits;
  }

  append(message: NewMessage, expiresAt: number, now: number): Promise<number | undefined> {
    this.#expire(now);
    const bytes = message.body.byteLength;
    const { maxMessages, maxBytes } = this.#limits;
    if (this.#all.size >= maxMessages || this.#bytes + bytes > maxBytes) {
      return Promise.resolve(undefined);
    }
    const sequence = ++this.#sequence;
    this.#begin(message.id, {
      webhookId: message.webhookId,
      receivedAt: Date.parse(message.receivedAt),
      expiresAt,
      bytes,
    });
    this.#ready.push({ envelope: { ...message, sequence }, expiresAt, deliveries: 0 });
    return Promise.resolve(sequence);
  }

  take(now: number): Promise<StoredMessage | undefined> {
    this.#expire(now);
    for (
      let next = this.#waiting.peek();
      next && next.readyAt <= now;
      next = this.#waiting.peek()
    ) {
      this.#waiting.pop();
      this.#ready.push(next.message);
    }
    for (;;) {
      const message = this.#ready.pop();
      if (!message) return Promise.resolve(undefined);
      if (this.#gone.delete(message.envelope.id)) continue;
      const deliveries = message.deliveries + 1;
      const leased = {
        ...message,
        deliveries,
        envelope: { ...message.envelope, deliveryCount: deliveries },
      };
      this.#leased.set(message.envelope.id, leased);
      return Promise.resolve(leased);
    }
  }

  claim(messageId: string): Promise<boolean> {
    const pending = this.#all.get(messageId);
    if (!pending || this.#leased.has(messageId)) return Promise.resolve(false);
    this.#gone.add(messageId);
    this.#end(messageId);
    this.#delivered++;
    return Promise.resolve(true);
  }

  ack(messageId: string): Promise<boolean> {
    if (!this.#settle(messageId)) return Promise.resolve(false);
    this.#delivered++;
    return Promise.resolve(true);
  }

  release(messageId: string, readyAt: number, countsAsDelivery: boolean): Promise<boolean> {
    const message = this.#leased.get(messageId);
    if (!message) return Promise.resolve(false);
    this.#leased.delete(messageId);
    const deliveries = message.deliveries - (countsAsDelivery ? 0 : 1);
    this.#waiting.push({ message: { ...message, deliveries }, readyAt });
    return Promise.resolve(true);
  }

  bury(messageId: string, reason: string, now: number): Promise<boolean> {
    const message = this.#settle(messageId);
    if (!message) return Promise.resolve(false);
    this.#deadLettered++;
    this.#deadLetters.push({ message, reason, at: now });
    if (this.#deadLetters.length > this.#limits.maxDeadLetters) {
      this.#deadLetters = this.#deadLetters.slice(-Math.ceil(this.#limits.maxDeadLetters / 2));
    }
    return Promise.resolve(true);
  }

  nextReadyAt(): number | undefined {
    return this.#waiting.peek()?.readyAt;
  }

  stats(now: number): StoreStats {
    this.#expire(now);
    const oldest = this.#all.values().next();
    return {
      queued: this.#ready.size + this.#waiting.size - this.#gone.size,
      inFlight: this.#leased.size,
      delivered: this.#delivered,
      expired: this.#expired,
      deadLettered: this.#deadLettered,
      oldestAt: oldest.done ? undefined : oldest.value.receivedAt,
      pendingByWebhookId: this.#pendingByWebhookId,
    };
  }

  deadLetters(limit: number): Promise<readonly DeadLetter[]> {
    return Promise.resolve(this.#deadLetters.slice(-limit).reverse());
  }

  purge(now: number): Promise<number> {
    const before = this.#expired;
    this.#expire(now);
    return Promise.resolve(this.#expired - before);
  }

  async replay(
    messageIds: readonly string[] | "all",
    now: number,
    ttlMs: number,
  ): Promise<number> {
    const isWanted = ({ message }: DeadLetter) =>
      messageIds === "all" || messageIds.includes(message.envelope.id);
    const wanted = this.#deadLetters.filter(isWanted);
    this.#deadLetters = this.#deadLetters.filter((letter) => !isWanted(letter));
    for (const { message } of wanted) {
      const { sequence: _, deliveryCount: __, ...fresh } = message.envelope;
      await this.append(fresh, now + ttlMs, now);
    }
    return wanted.length;
  }

  purgeDeadLetters(): Promise<number> {
    const count = this.#deadLetters.length;
    this.#deadLetters = [];
    return Promise.resolve(count);
  }

  #settle(messageId: string): StoredMessage | undefined {
    const message = this.#leased.get(messageId);
    this.#leased.delete(messageId);
    if (message) this.#end(messageId);
    return message;
  }

  /** What is leased is left to its connector. */
  #expire(now: number): void {
    for (const [id, { expiresAt }] of this.#all) {
      if (expiresAt > now) return;
      if (this.#leased.has(id)) continue;
      this.#gone.add(id);
      this.#end(id);
      this.#expired++;
    }
  }

  #begin(messageId: string, pending: Pending): void {
    this.#all.set(messageId, pending);
    this.#bytes += pending.bytes;
    const count = this.#pendingByWebhookId.get(pending.webhookId) ?? 0;
    this.#pendingByWebhookId.set(pending.webhookId, count + 1);
  }

  #end(messageId: string): void {
    const pending = this.#all.get(messageId);
    if (!pending) return;
    this.#all.delete(messageId);
    this.#bytes -= pending.bytes;
    const count = (this.#pendingByWebhookId.get(pending.webhookId) ?? 1) - 1;
    if (count === 0) this.#pendingByWebhookId.delete(pending.webhookId);
    else this.#pendingByWebhookId.set(pending.webhookId, count);
  }
}
