import { Chain, type Linked } from "../async/chain.ts";
import type { Clock } from "../async/clock.ts";
import type { Connection, Delivery, Envelope, Outcome } from "../flow.ts";

interface Handed extends Linked {
  readonly messageId: string;
  readonly at: number;
}

/**
 * The messages that were given out and are not settled. While a connection is open whose relay leases them, the
 * leases are extended before they end: what takes long here is not given out again.
 */
export class InHand {
  readonly #clock: Clock;
  readonly #settle: (messageId: string, connectionId: string, outcome: Outcome) => void;
  readonly #handed = new Chain<Handed>();

  constructor(
    clock: Clock,
    settle: (messageId: string, connectionId: string, outcome: Outcome) => void,
  ) {
    this.#clock = clock;
    this.#settle = settle;
  }

  get size(): number {
    return this.#handed.size;
  }

  has(messageId: string): boolean {
    return this.messageIds.includes(messageId);
  }

  get messageIds(): readonly string[] {
    return [...this.#handed].map(({ messageId }) => messageId);
  }

  deliver(envelope: Envelope, connectionId: string): Delivery {
    const handed: Handed = {
      messageId: envelope.id,
      at: this.#clock.monotonic(),
      older: undefined,
      newer: undefined,
    };
    this.#handed.add(handed);
    return {
      envelope,
      // It knows nothing of the envelope: copies of a message are settled long after.
      settle: (outcome) => {
        const { messageId } = handed;
        if (!this.#handed.remove(handed)) {
          throw new Error(`the message ${messageId} was settled twice`);
        }
        this.#settle(messageId, connectionId, outcome);
      },
    };
  }

  /**
   * Looks every third of their time, and extends the leases that are older than that; the result ends it. A connection
   * begins with what was due while there was none; or with all there is, where the relay keeps that for us: with `others`,
   * which are not in hand and ours all the same.
   */
  extendLeases(
    connection: Connection,
    connectionId: () => string,
    ackTimeoutMs: number,
    others?: readonly string[],
  ): () => void {
    const everyMs = ackTimeoutMs / 3;
    const tell = (messageIds: readonly string[], isAll: boolean) => {
      const extension = {
        type: "extend",
        messageIds,
        connectionId: connectionId(),
        isAll,
      } as const;
      // What cannot be sent now is said again in a moment, or over the next connection.
      connection.send(extension).catch(() => {});
    };
    const extend = () => {
      const before = this.#clock.monotonic() - everyMs;
      const due = [...this.#handed].filter(({ at }) => at <= before);
      if (due.length > 0) tell(due.map(({ messageId }) => messageId), false);
      later();
    };
    let cancel = () => {};
    const later = () => cancel = this.#clock.after(everyMs, extend);
    if (!others) extend();
    else {
      tell([...this.messageIds, ...others], true);
      later();
    }
    return () => cancel();
  }
}
