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
    return [...this.#handed].some((handed) => handed.messageId === messageId);
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
   * begins with what was due while there was none.
   */
  extendLeases(
    connection: Connection,
    connectionId: () => string,
    ackTimeoutMs: number,
  ): () => void {
    const everyMs = ackTimeoutMs / 3;
    const extend = () => {
      const before = this.#clock.monotonic() - everyMs;
      const messageIds = [...this.#handed].filter(({ at }) => at <= before)
        .map(({ messageId }) => messageId);
      if (messageIds.length > 0) {
        // What cannot be sent now is said again in a moment, or over the next connection.
        connection.send({ type: "extend", messageIds, connectionId: connectionId() }).catch(
          () => {},
        );
      }
      cancel = this.#clock.after(everyMs, extend);
    };
    let cancel = () => {};
    extend();
    return () => cancel();
  }
}
