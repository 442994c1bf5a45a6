import { Heap } from "./heap.ts";
import type { DeadLetter, NewMessage, Store, StoredMessage, StoreStats } from "./store.ts";

export interface MemoryStoreLimits {
  /** Messages not yet settled. */
  readonly maxMessages: number;
  /** Dead letters kept; beyond it the oldest is dropped. */
  readonly maxDeadLetters: number;
}

interface Waiting {
  readonly message: StoredMessage;
  readonly readyAt: number;
}

/** A store that lives as long as the process. No operation looks at more than a few messages. */
export class MemoryStore implements Store {
  readonly #limits: MemoryStoreLimits;
  readonly #ready = new Heap<StoredMessage>(({ envelope }) => envelope.sequence);
  readonly #waiting = new Heap<Waiting>(({ readyAt }) => readyAt);
  /** Settled while still in a heap: skipped when it comes up. */
  readonly #claimed = new Set<string>();
  readonly #leased = new Map<string, StoredMessage>();
  /** By id, in order of arrival, everything not settled. */
  readonly #all = new Map<string, number>();
  #deadLetters: DeadLetter[] = [];
  #sequence = 0;
  #delivered = 0;
  #expired = 0;
  #deadLettered = 0;

  constructor(limits: MemoryStoreLimits) {
    this.#limits = limits;
  }

  append(message: NewMessage, expiresAt: number): Promise<number | undefined> {
    if (this.#all.size >= this.#limits.maxMessages) return Promise.resolve(undefined);
    const sequence = ++this.#sequence;
    this.#all.set(message.id, Date.parse(message.receivedAt));
    this.#ready.push({ envelope: { ...message, sequence }, expiresAt, deliveries: 0 });
    return Promise.resolve(sequence);
  }

  take(now: number): Promise<StoredMessage | undefined> {
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
      if (this.#claimed.delete(message.envelope.id)) continue;
      if (message.expiresAt <= now) {
        this.#expired++;
        this.#all.delete(message.envelope.id);
        continue;
      }
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
    const isOpen = this.#all.has(messageId) && !this.#leased.has(messageId);
    if (isOpen) this.#claimed.add(messageId);
    return Promise.resolve(isOpen);
  }

  ack(messageId: string): Promise<boolean> {
    const wasClaimed = this.#claimed.has(messageId) && this.#all.delete(messageId);
    if (!wasClaimed && !this.#settle(messageId)) return Promise.resolve(false);
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

  stats(): StoreStats {
    const oldest = this.#all.values().next();
    return {
      queued: this.#ready.size + this.#waiting.size - this.#claimed.size,
      inFlight: this.#leased.size,
      delivered: this.#delivered,
      expired: this.#expired,
      deadLettered: this.#deadLettered,
      oldestAt: oldest.done ? undefined : oldest.value,
    };
  }

  deadLetters(limit: number): Promise<readonly DeadLetter[]> {
    return Promise.resolve(this.#deadLetters.slice(-limit).reverse());
  }

  #settle(messageId: string): StoredMessage | undefined {
    const message = this.#leased.get(messageId);
    this.#leased.delete(messageId);
    if (message) this.#all.delete(messageId);
    return message;
  }
}
