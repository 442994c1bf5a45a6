import { AgedMap } from "../async/aged_map.ts";

/** How long an ack of a connection that has ended is still taken from the same connector. */
const lateAckMs = 60_000;

/** Messages given back when their connection ended: an ack that was on its way still counts. */
export class LateAcks {
  readonly #byId = new AgedMap<{ readonly connectorId: string; readonly until: number }>();
  readonly #most: number;

  /** Keeps at most `most`, the newest. */
  constructor(most: number) {
    this.#most = most;
  }

  expect(messageId: string, connectorId: string, now: number): void {
    this.#byId.set(messageId, { connectorId, until: now + lateAckMs });
    this.#byId.forgetOldest(this.#most, ({ until }) => until < now);
  }

  isExpected(messageId: string, connectorId: string, now: number): boolean {
    const expected = this.#byId.get(messageId);
    return expected?.connectorId === connectorId && expected.until >= now;
  }

  /** It was taken, or somebody else has the message. */
  forget(messageId: string): void {
    this.#byId.delete(messageId);
  }
}
