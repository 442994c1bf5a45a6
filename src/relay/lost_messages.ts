import type { ObserveRelay } from "./relay_events.ts";
import type { StoreStats } from "./store.ts";

/** Tells what of a channel has expired, be it found when it was to be handed out or had to make room, and what that cost. */
export class LostMessages {
  readonly #channel: string;
  readonly #observe: ObserveRelay;
  #told: Pick<StoreStats, "expired" | "deadLettersDropped"> = { expired: 0, deadLettersDropped: 0 };

  constructor(channel: string, observe: ObserveRelay) {
    this.#channel = channel;
    this.#observe = observe;
  }

  /** What has come since it was called before. */
  tell({ expired, deadLettersDropped }: StoreStats): void {
    const messages = expired - this.#told.expired;
    const count = deadLettersDropped - this.#told.deadLettersDropped;
    this.#told = { expired, deadLettersDropped };
    const channel = this.#channel;
    if (messages > 0) this.#observe({ type: "relay.expired", channel, messages });
    if (count > 0) this.#observe({ type: "relay.dead_letters_dropped", channel, count });
  }
}
