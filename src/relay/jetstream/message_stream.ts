import { DiscardPolicy, RetentionPolicy } from "@nats-io/jetstream";
import type { NewMessage, Statistics, StoreSettings } from "../store.ts";
import { isApiError, type NatsServer } from "./connection.ts";
import { type Head, headersOf, headOf } from "./message_codec.ts";
import { streamOf, subjectsOf, textOf, token } from "./names.ts";

/** Where a message lies. */
interface Place {
  readonly sequence: number;
  readonly lane: string;
  readonly webhookId: string;
}

export interface Found extends Place {
  /** Undefined where somebody else published it. */
  readonly head: Head | undefined;
  readonly body: Uint8Array;
}

/** JetStream's code for a stream that is full. */
const streamFull = 10077;

/** The stream with the messages of a channel that are not settled: a work queue. */
export class MessageStream {
  readonly #server: NatsServer;
  readonly #stream: string;
  readonly #subjects: string;

  constructor(server: NatsServer, channel: string) {
    this.#server = server;
    this.#stream = streamOf(channel);
    this.#subjects = subjectsOf(channel);
  }

  async open({ maxMessages, maxBytes }: StoreSettings): Promise<void> {
    await this.#server.keepStream({
      name: this.#stream,
      subjects: [`${this.#subjects}.>`],
      retention: RetentionPolicy.Workqueue,
      discard: DiscardPolicy.New,
      max_msgs: maxMessages,
      max_bytes: maxBytes,
      // What is old is for a relay to put away: the server would only drop it.
      max_age: 0,
      allow_direct: true,
    });
  }

  /** Its sequence; undefined when the stream is full. `once`: what has this id already is not added again. */
  async add(
    message: NewMessage,
    lane: string,
    expiresAt: number,
    once?: string,
  ): Promise<number | undefined> {
    const place = [lane, message.webhookId, message.id].map(token).join(".");
    try {
      const { seq } = await this.#server.js.publish(`${this.#subjects}.${place}`, message.body, {
        headers: headersOf(message, expiresAt),
        ...(once === undefined ? {} : { msgID: once }),
      });
      return seq;
    } catch (error) {
      if (isApiError(error, streamFull)) return undefined;
      throw error;
    }
  }

  async find(messageId: string): Promise<Place | undefined> {
    const last_by_subj = `${this.#subjects}.*.*.${token(messageId)}`;
    const found = await this.#server.jsm.streams.getMessage(this.#stream, { last_by_subj });
    return found ? placeOf(found) : undefined;
  }

  /** The first from a sequence on. */
  async next(sequence: number): Promise<Found | undefined> {
    const which = { seq: sequence, next_by_subj: ">" };
    const found = await this.#server.jsm.direct.getMessage(this.#stream, which);
    return found ? { ...placeOf(found), head: headOf(found.header), body: found.data } : undefined;
  }

  /** False when it is not there: of all that remove a message at once one is told true. */
  remove({ sequence }: Pick<Place, "sequence">): Promise<boolean> {
    return this.#server.removeMessage(this.#stream, sequence);
  }

  /** How many there are, with `all` by webhook id too, and where the first lies. */
  async count(which: Statistics) {
    const named = which === "all" ? { subjects_filter: ">" } : {};
    const { state } = await this.#server.jsm.streams.info(this.#stream, named);
    const byWebhookId = which === "totals" ? undefined : Object.entries(state.subjects ?? {})
      .map(([subject, messages]) => ({ webhookId: idsIn(subject).webhookId, messages }));
    return { messages: state.messages, byWebhookId, firstSequence: state.first_seq };
  }
}

function placeOf({ seq: sequence, subject }: { readonly seq: number; readonly subject: string }) {
  return { sequence, ...idsIn(subject) };
}

function idsIn(subject: string): Omit<Place, "sequence"> {
  const [lane = "", webhookId = ""] = subject.split(".").slice(3, 5).map(textOf);
  return { lane, webhookId };
}
