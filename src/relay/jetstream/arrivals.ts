import type { NewMessage } from "../store.ts";
import type { DeadLetters } from "./dead_letters.ts";
import type { LaneConsumers } from "./lane_consumers.ts";
import type { MessageStream } from "./message_stream.ts";

export interface ArrivalsOptions {
  readonly messages: MessageStream;
  readonly consumers: LaneConsumers;
  readonly dead: DeadLetters;
  /** Makes room, if there is something that has expired; resolves with how many messages that was. */
  readonly purge: (now: number) => Promise<number>;
  readonly onAdded: (message: NewMessage, lane: string) => void;
}

/** What comes into a channel, as far as there is room. */
export class Arrivals {
  readonly #options: ArrivalsOptions;

  constructor(options: ArrivalsOptions) {
    this.#options = options;
  }

  /** Resolves with the sequence of a message that is safe; undefined when the channel is full. */
  async append(message: NewMessage, expiresAt: number, now: number): Promise<number | undefined> {
    const { messages, consumers, purge, onAdded } = this.#options;
    const lane = consumers.laneOf(message);
    await consumers.ensure(lane);
    const sequence = await messages.add(message, lane, expiresAt) ??
      (await purge(now) > 0 ? await messages.add(message, lane, expiresAt) : undefined);
    if (sequence !== undefined) onAdded(message, lane);
    return sequence;
  }

  /** Makes dead letters messages again, for so long; resolves with how many. */
  async replay(messageIds: readonly string[] | "all", now: number, ttlMs: number): Promise<number> {
    const { messages, consumers, dead, onAdded } = this.#options;
    let replayed = 0;
    for await (const stored of dead.of(messageIds)) {
      const { sequence: _, deliveryCount: __, ...message } = stored.letter.message.envelope;
      const lane = consumers.laneOf(message);
      await consumers.ensure(lane);
      // Stored first: it is there twice rather than lost. The server knows what was replayed at the same time.
      const once = `${message.id}:${stored.sequence}`;
      const sequence = await messages.add(message, lane, now + ttlMs, once);
      if (sequence === undefined) break; // full: the others stay
      if (!await dead.remove(stored)) continue;
      onAdded(message, lane);
      replayed++;
    }
    return replayed;
  }
}
