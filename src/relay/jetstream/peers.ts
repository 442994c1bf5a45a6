import type { Subscription } from "@nats-io/transport-node";
import type { Settlement } from "../../protocol/frames.ts";
import type { SettleOutcome } from "../store.ts";
import type { NatsServer } from "./connection.ts";
import { settleSubjectOf, wakeSubjectOf } from "./names.ts";

/** How long the others may take to say that they hold a message. */
const askMs = 1_000;

interface Asked {
  readonly settlement: Settlement;
  readonly connectorId: string;
}

/**
 * The other relays that serve a channel. What they tell each other may get lost: all of it is found out later
 * without them.
 */
export class Peers {
  readonly #server: NatsServer;
  readonly #wake: string;
  readonly #settle: string;
  readonly #subscriptions: Subscription[] = [];

  constructor(server: NatsServer, channel: string) {
    this.#server = server;
    this.#wake = wakeSubjectOf(channel);
    this.#settle = settleSubjectOf(channel);
  }

  /** `settle` gives undefined for what is not leased here. */
  listen(
    { woken, settle }: {
      readonly woken: (lane: string) => void;
      readonly settle: (
        settlement: Settlement,
        connectorId: string,
      ) => Promise<SettleOutcome> | undefined;
    },
  ): void {
    const { nc } = this.#server;
    this.#subscriptions.push(
      nc.subscribe(this.#wake, {
        callback: (error, message) => {
          if (!error) woken(message.string());
        },
      }),
      nc.subscribe(this.#settle, {
        callback: (error, message) => {
          if (error) return;
          const asked = askedIn(message.string());
          if (!asked) return;
          void settle(asked.settlement, asked.connectorId)
            ?.then((outcome) => message.respond(outcome));
        },
      }),
    );
  }

  /** A lane has something to give out. */
  wake(lane: string): void {
    const { nc } = this.#server;
    if (!nc.isClosed() && !nc.isDraining()) nc.publish(this.#wake, lane);
  }

  /** What the one that holds the message made of it; undefined when none does. */
  async settle(settlement: Settlement, connectorId: string): Promise<SettleOutcome | undefined> {
    const asked: Asked = { settlement, connectorId };
    try {
      const answer = await this.#server.nc.request(this.#settle, JSON.stringify(asked), {
        timeout: askMs,
      });
      return answer.string() as SettleOutcome;
    } catch {
      return undefined; // there is no other, or it does not have it
    }
  }

  close(): void {
    for (const subscription of this.#subscriptions) subscription.unsubscribe();
  }
}

/** Undefined when somebody who is no relay wrote it. */
function askedIn(text: string): Asked | undefined {
  try {
    const asked = JSON.parse(text) as Partial<Asked> | null;
    const isWhole = typeof asked?.settlement?.messageId === "string" &&
      typeof asked.connectorId === "string";
    return isWhole ? asked as Asked : undefined;
  } catch {
    return undefined;
  }
}
