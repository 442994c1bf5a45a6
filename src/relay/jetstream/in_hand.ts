import type { FailedDelivery, StoredMessage } from "../store.ts";

/** A message that the server has given to this relay. */
export interface Lease {
  readonly message: StoredMessage;
  readonly history: readonly FailedDelivery[];
  readonly lane: string;
  /** Where its settlement is sent: the server's newest delivery of it. */
  reply: string;
}

/** The messages of a channel that this relay has: on their way to a connector, there, or being settled. */
export class InHand {
  /** Pulled and not yet leased. */
  readonly #pulled = new Set<string>();
  readonly #leased = new Map<string, Lease>();
  /** Leased no more, and not yet settled. */
  readonly #settling = new Map<string, Lease>();

  get leases(): number {
    return this.#leased.size;
  }

  lease(messageId: string): Lease | undefined {
    return this.#leased.get(messageId);
  }

  /** It may be with a connector, or be there in a moment. */
  isGoing(messageId: string): boolean {
    return this.#leased.has(messageId) || this.#pulled.has(messageId);
  }

  has(messageId: string): boolean {
    return this.isGoing(messageId) || this.#settling.has(messageId);
  }

  /** The ids of those that have expired at that time, and of those of which that is not known yet. */
  expiredAt(time: number): readonly string[] {
    const known = [...this.#leased.values(), ...this.#settling.values()]
      .filter(({ message }) => message.expiresAt <= time);
    return [...known.map(({ message }) => message.envelope.id), ...this.#pulled];
  }

  /** Leases what was pulled, once all is known of it. */
  async begin(messageId: string, leasing: () => Promise<Lease>): Promise<Lease> {
    this.#pulled.add(messageId);
    try {
      const lease = await leasing();
      this.#leased.set(messageId, lease);
      return lease;
    } finally {
      this.#pulled.delete(messageId);
    }
  }

  /** Takes a lease out; undefined when there is none. */
  end(messageId: string): Lease | undefined {
    const lease = this.#leased.get(messageId);
    this.#leased.delete(messageId);
    return lease;
  }

  /** Has it in hand until the work is done; false when it is not leased. */
  async settle(messageId: string, work: (lease: Lease) => Promise<void>): Promise<boolean> {
    const lease = this.end(messageId);
    if (!lease) return false;
    this.#settling.set(messageId, lease);
    try {
      await work(lease);
      return true;
    } finally {
      this.#settling.delete(messageId);
    }
  }
}
