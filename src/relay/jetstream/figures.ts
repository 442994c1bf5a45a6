import type { NewMessage, Statistics, StoreStats } from "../store.ts";
import { Tally } from "../tally.ts";
import type { DeadLetters } from "./dead_letters.ts";
import type { MessageStream } from "./message_stream.ts";

/**
 * What is told of a channel: what lies at the server, as of the last look and with what this relay did since; and what
 * became of messages here, which are this relay's own counts.
 */
export class Figures {
  readonly #messages: MessageStream;
  readonly #dead: DeadLetters;
  readonly tally = new Tally();
  #oldestAt: number | undefined;
  #deadLetters = 0;

  constructor(messages: MessageStream, dead: DeadLetters) {
    this.#messages = messages;
    this.#dead = dead;
  }

  added({ webhookId, receivedAt }: NewMessage): void {
    if (this.tally.messages === 0) this.#oldestAt = Date.parse(receivedAt);
    this.tally.add(webhookId, 1, 0); // the server counts the bytes
  }

  stats(inFlight: number): StoreStats {
    return this.tally.stats({
      inFlight,
      deadLetters: this.#deadLetters,
      oldestAt: this.#oldestAt,
    });
  }

  /** Looks at the server. */
  async refresh(which: Statistics): Promise<void> {
    const [{ messages, byWebhookId, firstSequence }, deadLetters] = await Promise.all([
      this.#messages.count(which),
      this.#dead.count(),
    ]);
    this.#deadLetters = deadLetters;
    if (byWebhookId) {
      this.tally.clear();
      for (const one of byWebhookId) this.tally.add(one.webhookId, one.messages, 0);
    }
    this.tally.messages = messages; // those by webhook id may be of another moment
    const oldest = messages === 0 ? undefined : await this.#messages.next(firstSequence);
    this.#oldestAt = oldest?.head && Date.parse(oldest.head.receivedAt);
  }
}
