import {
  DiscardPolicy,
  JetStreamApiError,
  type JetStreamPublishOptions,
  JsHeaders,
} from "@nats-io/jetstream";
import { reasonOfExpiry } from "../history.ts";
import type { DeadLetter, FailedDelivery, StoredMessage, StoreSettings } from "../store.ts";
import { isApiError, type NatsServer } from "./connection.ts";
import { headOf, type LetterHead, letterHeadersOf, letterOf, messageOf } from "./message_codec.ts";
import { deadStreamOf, deadSubjectsOf, token } from "./names.ts";

/** Where a dead letter lies. */
interface Place {
  readonly sequence: number;
}

export interface StoredLetter extends Place {
  readonly letter: DeadLetter;
}

/** JetStream's code for a message that is not published, as another one came in between. */
const cameBetween = 10071;
/** How long whoever has put away what expired may take to remove it. After that it has died. */
const othersMs = 60_000;

/** The stream with the dead letters of a channel: one for each message id, the oldest dropped when it is full. */
export class DeadLetters {
  readonly #server: NatsServer;
  readonly #stream: string;
  readonly #subjects: string;

  constructor(server: NatsServer, channel: string) {
    this.#server = server;
    this.#stream = deadStreamOf(channel);
    this.#subjects = deadSubjectsOf(channel);
  }

  async open({ maxDeadLetters, maxDeadLetterBytes }: StoreSettings): Promise<void> {
    // The server sets such bytes aside: not for what so many can never be.
    const isBounded = maxDeadLetters * this.#server.maxPayload <= maxDeadLetterBytes;
    await this.#server.keepStream({
      name: this.#stream,
      subjects: [`${this.#subjects}.*`],
      max_msgs: maxDeadLetters,
      max_bytes: isBounded ? -1 : maxDeadLetterBytes,
      max_msgs_per_subject: 1,
      discard: DiscardPolicy.Old,
      allow_direct: true,
    });
  }

  /** For what came last in its history. */
  async add(
    message: StoredMessage,
    history: readonly FailedDelivery[],
    at: number,
  ): Promise<void> {
    await this.#publish(message, { at, history });
  }

  /** Whoever puts it there is the one to remove the message. Undefined when that is somebody else. */
  async addExpired(
    message: StoredMessage,
    history: readonly FailedDelivery[],
    at: number,
  ): Promise<Place | undefined> {
    const { id, sequence } = message.envelope;
    const there = await this.#last(id);
    if (there?.letter.message.envelope.sequence === sequence) {
      if (Math.abs(at - there.letter.at) < othersMs) return undefined;
    }
    try {
      const letter = { at, history, reason: reasonOfExpiry(history) };
      return await this.#publish(message, letter, { lastSubjectSequence: there?.sequence ?? 0 });
    } catch (error) {
      if (isApiError(error, cameBetween)) return undefined;
      throw error;
    }
  }

  async #publish(
    { envelope, expiresAt, deliveries }: StoredMessage,
    why: Pick<LetterHead, "at" | "history" | "reason">,
    expect: JetStreamPublishOptions["expect"] = {},
  ): Promise<Place> {
    const { sequence, deliveryCount: _, ...content } = envelope;
    const letter = { ...why, deliveries, sequence };
    const subject = `${this.#subjects}.${token(envelope.id)}`;
    const { seq } = await this.#server.js.publish(subject, envelope.body, {
      headers: letterHeadersOf(content, expiresAt, letter, this.#server.maxPayload),
      expect,
    });
    return { sequence: seq };
  }

  async count(): Promise<number> {
    return (await this.#server.jsm.streams.info(this.#stream)).state.messages;
  }

  /** The newest first. */
  async newest(
    limit: number,
    takes: (bytes: number) => boolean = () => true,
  ): Promise<readonly DeadLetter[]> {
    const letters: DeadLetter[] = [];
    for (const { sequence, bytes } of (await this.#places()).toReversed()) {
      if (letters.length === limit || !takes(bytes)) break;
      const found = await this.#at(sequence);
      if (found) letters.push(found.letter);
    }
    return letters;
  }

  /** The oldest first; those of `ids` that are there. One at a time: all of them may be too many for the memory. */
  async *of(ids: readonly string[] | "all"): AsyncGenerator<StoredLetter> {
    const finds = ids === "all"
      ? (await this.#places()).map(({ sequence }) => () => this.#at(sequence))
      : ids.map((id) => () => this.#last(id));
    for (const find of finds) {
      const letter = await find();
      if (letter) yield letter;
    }
  }

  /** False when it is gone already. */
  async remove({ sequence }: Place): Promise<boolean> {
    return await this.#server.removeMessage(this.#stream, sequence);
  }

  async purge(): Promise<number> {
    return (await this.#server.jsm.streams.purge(this.#stream)).purged;
  }

  /** Where the letters lie, without reading them. */
  async #places(): Promise<{ readonly sequence: number; readonly bytes: number }[]> {
    const { state } = await this.#server.jsm.streams.info(this.#stream);
    if (state.messages === 0) return [];
    const consumer = await this.#server.js.consumers.get(this.#stream, { headers_only: true });
    const places = [];
    for await (
      const message of await consumer.fetch({ max_messages: state.messages, expires: 2_000 })
    ) {
      places.push({
        sequence: message.seq,
        bytes: Number(message.headers?.get(JsHeaders.MessageSizeHdr)),
      });
      if (message.info.pending === 0) break;
    }
    await consumer.delete();
    return places;
  }

  #at(seq: number): Promise<StoredLetter | undefined> {
    return this.#read({ seq });
  }

  #last(id: string): Promise<StoredLetter | undefined> {
    return this.#read({ last_by_subj: `${this.#subjects}.${token(id)}` });
  }

  async #read(
    which: { readonly seq: number } | { readonly last_by_subj: string },
  ): Promise<StoredLetter | undefined> {
    const stored = await this.#server.jsm.streams.getMessage(this.#stream, which)
      .catch((error) => {
        if (error instanceof JetStreamApiError) return null;
        throw error;
      });
    const head = headOf(stored?.header);
    const letter = letterOf(stored?.header);
    if (!stored || !head || !letter) return undefined;
    const { at, deliveries, sequence, history, reason = history.at(-1)?.reason ?? "" } = letter;
    const message = messageOf(head, stored.data, sequence, deliveries);
    return { sequence: stored.seq, letter: { message, reason, at, history } };
  }
}
