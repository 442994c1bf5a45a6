import { NoRespondersError, type Subscription } from "@nats-io/transport-node";
import { z } from "zod";
import type { Settlement } from "../../protocol/frames.ts";
import type { SettleOutcome } from "../store.ts";
import type { NatsServer } from "./connection.ts";
import { extendSubjectOf, heldSubjectOf, settleSubjectOf, wakeSubjectOf } from "./names.ts";

/** How long the others may take to say that they hold a message. */
const askMs = 1_000;

/** What is asked: somebody who is no relay may have written it. */
const settleSchema = z.object({
  settlement: z.looseObject({ messageId: z.string() }),
  connectorId: z.string(),
});
const extendSchema = z.object({
  messageIds: z.array(z.string()).readonly(),
  connectorId: z.string(),
});
const heldSchema = z.object({ expiredAt: z.number() });
const idsSchema = z.array(z.string());

/** The questions of the others. Each gives undefined for what is not leased here: then nothing is answered. */
export interface PeerAnswers {
  readonly woken: (lane: string) => void;
  readonly settle: (
    settlement: Settlement,
    connectorId: string,
  ) => Promise<SettleOutcome> | undefined;
  /** Resolves with how many. */
  readonly extend: (
    messageIds: readonly string[],
    connectorId: string,
  ) => Promise<number> | undefined;
  /** What is in hand here and has expired at that time. Of none nothing is answered. */
  readonly held: (expiredAt: number) => readonly string[];
}

/**
 * The other relays that serve a channel. What they tell each other may get lost: all of it is found out later
 * without them.
 */
export class Peers {
  readonly #server: NatsServer;
  readonly #channel: string;
  readonly #subscriptions: Subscription[] = [];

  constructor(server: NatsServer, channel: string) {
    this.#server = server;
    this.#channel = channel;
  }

  listen({ woken, settle, extend, held }: PeerAnswers): void {
    this.#subscriptions.push(
      this.#server.nc.subscribe(wakeSubjectOf(this.#channel), {
        callback: (error, message) => {
          if (!error) woken(message.string());
        },
      }),
    );
    this.#answer(
      settleSubjectOf(this.#channel),
      settleSchema,
      // Relays ask with whole settlements.
      ({ settlement, connectorId }) => settle(settlement as Settlement, connectorId),
    );
    this.#answer(
      extendSubjectOf(this.#channel),
      extendSchema,
      ({ messageIds, connectorId }) => extend(messageIds, connectorId),
    );
    this.#answer(heldSubjectOf(this.#channel), heldSchema, ({ expiredAt }) => {
      const ids = held(expiredAt);
      return ids.length > 0 ? Promise.resolve(JSON.stringify(ids)) : undefined;
    });
  }

  /** A lane has something to give out. */
  wake(lane: string): void {
    const { nc } = this.#server;
    if (!nc.isClosed() && !nc.isDraining()) nc.publish(wakeSubjectOf(this.#channel), lane);
  }

  /** What the one that holds the message made of it; undefined when none does. */
  async settle(settlement: Settlement, connectorId: string): Promise<SettleOutcome | undefined> {
    const asked: z.infer<typeof settleSchema> = { settlement, connectorId };
    const answer = await this.#ask(settleSubjectOf(this.#channel), asked);
    return answer as SettleOutcome | undefined;
  }

  /** Every relay that holds some of them extends those; resolves with how many the first to answer has. */
  async extend(messageIds: readonly string[], connectorId: string): Promise<number> {
    const asked: z.infer<typeof extendSchema> = { messageIds, connectorId };
    return Number(await this.#ask(extendSubjectOf(this.#channel), asked) ?? 0);
  }

  /** The messages that the others have in hand though they have expired at that time. */
  async held(expiredAt: number): Promise<ReadonlySet<string>> {
    const asked: z.infer<typeof heldSchema> = { expiredAt };
    const subject = heldSubjectOf(this.#channel);
    const ids = new Set<string>();
    try {
      const answers = await this.#server.nc.requestMany(subject, JSON.stringify(asked), {
        maxWait: askMs, // how many there are is not known
      });
      for await (const answer of answers) {
        for (const id of read(idsSchema, answer.string()) ?? []) ids.add(id);
      }
    } catch (error) {
      if (!(error instanceof NoRespondersError)) throw error;
    }
    return ids;
  }

  close(): void {
    for (const subscription of this.#subscriptions) subscription.unsubscribe();
  }

  /** Undefined when there is no other, or none that has it. */
  async #ask(subject: string, asked: unknown): Promise<string | undefined> {
    try {
      const answer = await this.#server.nc.request(subject, JSON.stringify(asked), {
        timeout: askMs,
      });
      return answer.string();
    } catch {
      return undefined;
    }
  }

  #answer<Asked>(
    subject: string,
    schema: z.ZodType<Asked>,
    answer: (asked: Asked) => Promise<string | number> | undefined,
  ): void {
    const subscription = this.#server.nc.subscribe(subject, {
      callback: (error, message) => {
        const asked = error ? undefined : read(schema, message.string());
        if (!asked) return;
        // Where the connection has ended meanwhile the other one asks again, or finds out by itself.
        answer(asked)?.then((text) => message.respond(String(text))).catch(() => {});
      },
    });
    this.#subscriptions.push(subscription);
  }
}

/** Undefined when it is not what it should be. */
function read<T>(schema: z.ZodType<T>, text: string): T | undefined {
  try {
    return schema.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}
