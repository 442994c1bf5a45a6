import { Chain, type Linked } from "../async/chain.ts";
import type { Clock } from "../async/clock.ts";
import type { Connection, Delivery, Envelope, Outcome } from "../flow.ts";

interface Handed extends Linked {
  readonly messageId: string;
  readonly at: number;
}

/** After so long it is said again what we have that could not be said, milliseconds. */
const resumeAgainMs = 1_000;

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
    others?: () => readonly string[],
  ): () => void {
    const everyMs = ackTimeoutMs / 3;
    let isOver = false;
    let cancel = () => {};
    const inMs = (ms: number, look: () => void) => {
      if (!isOver) cancel = this.#clock.after(ms, look);
    };
    const tell = (messageIds: readonly string[], isAll: boolean) =>
      connection.send({ type: "extend", messageIds, connectionId: connectionId(), isAll });
    const extend = () => {
      const before = this.#clock.monotonic() - everyMs;
      const due = [...this.#handed].filter(({ at }) => at <= before);
      // What cannot be sent now is said again in a moment, or over the next connection.
      if (due.length > 0) tell(due.map(({ messageId }) => messageId), false).catch(() => {});
      inMs(everyMs, extend);
    };
    const resume = (others: () => readonly string[]) => {
      // The relay does not wait for long.
      tell([...this.messageIds, ...others()], true)
        .then(() => inMs(everyMs, extend), () => inMs(resumeAgainMs, () => resume(others)));
    };
    if (others) resume(others);
    else extend();
    return () => {
      isOver = true;
      cancel();
    };
  }
}
