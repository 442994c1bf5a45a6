import type { Clock } from "../../async/clock.ts";

/** Delivery ids remembered at most, over all webhooks with this window. */
const maxRemembered = 100_000;

/** The message ids that a provider's delivery ids were given, for a while; forgotten with the process. */
export class SeenDeliveries {
  readonly #windowMs: number;
  readonly #clock: Clock;
  /** In order of arrival. */
  readonly #seen = new Map<string, { messageId: string; at: number }>();

  constructor(windowMs: number, clock: Clock) {
    this.#windowMs = windowMs;
    this.#clock = clock;
  }

  /** The message that the delivery became, if it came before within the window. */
  messageOf(deliveryId: string): string | undefined {
    const seen = this.#seen.get(deliveryId);
    return seen && this.#clock.now() - seen.at < this.#windowMs ? seen.messageId : undefined;
  }

  /** To be called when the message is stored: what was refused may come again. */
  remember(deliveryId: string, messageId: string): void {
    const now = this.#clock.now();
    this.#seen.delete(deliveryId);
    this.#seen.set(deliveryId, { messageId, at: now });
    for (const [old, { at }] of this.#seen) {
      if (this.#seen.size <= maxRemembered && now - at < this.#windowMs) break;
      this.#seen.delete(old);
    }
  }
}
