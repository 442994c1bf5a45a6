import { AgedMap } from "../../async/aged_map.ts";
import type { Clock } from "../../async/clock.ts";
import { hashOf } from "../tokens.ts";

/** Delivery ids remembered at most, over all webhooks with this window. */
const maxRemembered = 100_000;

/**
 * The message ids that a provider's delivery ids were given, for a while; forgotten with the process. A delivery id may
 * be as long as a header: its hash is kept.
 */
export class SeenDeliveries {
  readonly #windowMs: number;
  readonly #clock: Clock;
  /** In order of arrival, by the clock that never jumps. */
  readonly #seen = new AgedMap<{ messageId: string; at: number }>();
  readonly #storing = new Map<string, PromiseWithResolvers<void>>();

  constructor(windowMs: number, clock: Clock) {
    this.#windowMs = windowMs;
    this.#clock = clock;
  }

  /**
   * Resolves with the message that the delivery became, if it came before within the window; where that is being
   * stored, when it is known. Undefined: it is the caller's to store, who must call `end`.
   */
  async begin(deliveryId: string): Promise<string | undefined> {
    const key = hashOf(deliveryId);
    for (;;) {
      const storing = this.#storing.get(key);
      if (!storing) break;
      await storing.promise;
    }
    const seen = this.#seen.get(key);
    if (seen && this.#clock.monotonic() - seen.at < this.#windowMs) return seen.messageId;
    this.#storing.set(key, Promise.withResolvers());
    return undefined;
  }

  /** The message is stored; or could not be, with undefined: then the delivery may come again. */
  end(deliveryId: string, messageId: string | undefined): void {
    const key = hashOf(deliveryId);
    if (messageId !== undefined) this.#remember(key, messageId);
    this.#storing.get(key)?.resolve();
    this.#storing.delete(key);
  }

  #remember(key: string, messageId: string): void {
    const now = this.#clock.monotonic();
    this.#seen.set(key, { messageId, at: now });
    this.#seen.forgetOldest(maxRemembered, ({ at }) => now - at >= this.#windowMs);
  }
}
