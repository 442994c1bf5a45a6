import { AgedMap } from "../async/aged_map.ts";
import type { Envelope } from "../flow.ts";
import { sizeOf } from "../protocol/envelope.ts";

/** Of all of them together; more are kept of nobody. */
const maxBytes = 16 * 1024 * 1024;

/** The last messages that came to their end, in memory, to be delivered once more. */
export class LastMessages {
  readonly #maxMessages: number;
  readonly #kept = new AgedMap<Envelope>();
  #bytes = 0;

  constructor(maxMessages: number) {
    this.#maxMessages = maxMessages;
  }

  keep(envelope: Envelope): void {
    this.#drop(envelope.id);
    this.#kept.set(envelope.id, envelope);
    this.#bytes += sizeOf(envelope);
    const isTooMuch = () => this.#kept.size > this.#maxMessages || this.#bytes > maxBytes;
    for (let key = this.#kept.oldestKey; key !== undefined && isTooMuch();) {
      this.#drop(key);
      key = this.#kept.oldestKey;
    }
  }

  of(messageId: string): Envelope | undefined {
    return this.#kept.get(messageId);
  }

  #drop(messageId: string): void {
    const before = this.#kept.get(messageId);
    if (!before) return;
    this.#kept.delete(messageId);
    this.#bytes -= sizeOf(before);
  }
}
