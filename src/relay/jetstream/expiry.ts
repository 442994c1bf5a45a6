import type { DeadLetters } from "./dead_letters.ts";
import type { Histories } from "./histories.ts";
import type { InHand } from "./in_hand.ts";
import { type Head, messageOf } from "./message_codec.ts";
import type { Found, MessageStream } from "./message_stream.ts";
import type { Peers } from "./peers.ts";

/** Messages purged in one step. */
const purgeStep = 200;

export interface ExpiryOptions {
  readonly messages: MessageStream;
  readonly histories: Histories;
  readonly dead: DeadLetters;
  readonly peers: Peers;
  /** What this relay has in hand is not over. */
  readonly hand: InHand;
  /** One has become a dead letter. */
  readonly onExpired: (head: Head, lane: string) => void;
}

/** What nobody settled in time becomes a dead letter, whichever relay sees it first. */
export class Expiry {
  readonly #options: ExpiryOptions;
  #purging: Promise<number> | undefined;
  #isClosed = false;

  constructor(options: ExpiryOptions) {
    this.#options = options;
  }

  /** Those that wait, oldest first; tells how many. Shared by all who ask meanwhile. */
  purge(now: number): Promise<number> {
    return this.#purging ??= this.#purge(now).finally(() => this.#purging = undefined);
  }

  /** Put away first: it is there twice rather than lost. False when another relay does it, or it was settled meanwhile. */
  async expire(
    head: Head,
    { sequence, lane, body }: Pick<Found, "sequence" | "lane" | "body">,
    now: number,
  ): Promise<boolean> {
    const { messages, histories, dead, onExpired } = this.#options;
    const { deliveries, history } = await histories.of(head.id);
    const message = messageOf(head, body, sequence, deliveries);
    const letter = await dead.addExpired(message, history, now);
    if (!letter) return false;
    if (!await messages.remove({ sequence })) {
      await dead.remove(letter);
      return false;
    }
    if (history.length > 0) histories.forget(head.id);
    onExpired(head, lane);
    return true;
  }

  /** Resolves when nothing is purged any more. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#purging?.catch(() => {});
  }

  async #purge(now: number): Promise<number> {
    const { messages, peers, hand } = this.#options;
    let purged = 0;
    let elsewhere: ReadonlySet<string> | undefined;
    for (let next = 1; purged < purgeStep && !this.#isClosed;) {
      const found = await messages.next(next);
      if (!found || (found.head && found.head.expiresAt > now)) break;
      const { head } = found;
      next = found.sequence + 1;
      if (!head || hand.has(head.id)) continue;
      elsewhere ??= await peers.held(now);
      if (elsewhere.has(head.id)) continue;
      if (await this.expire(head, found, now)) purged++;
    }
    return purged;
  }
}
