import type { Msg } from "@nats-io/transport-node";
import type { Clock } from "../../async/clock.ts";
import type { StoredMessage, StoreSettings } from "../store.ts";
import type { NatsServer } from "./connection.ts";
import { acknowledge, deliveryOf, giveBack } from "./delivery.ts";
import type { Expiry } from "./expiry.ts";
import { type Histories, noPast } from "./histories.ts";
import type { InHand } from "./in_hand.ts";
import type { LaneConsumers } from "./lane_consumers.ts";
import { headOf, messageOf } from "./message_codec.ts";
import type { Turns } from "./turns.ts";

/** When a message that cannot be read is tried again. */
const unreadableRetryMs = 60_000;
/** When what another relay is putting away is looked at again. */
const expiredRetryMs = 5_000;

export interface PullsOptions {
  readonly server: NatsServer;
  readonly clock: Clock;
  readonly settings: StoreSettings;
  readonly consumers: LaneConsumers;
  readonly histories: Histories;
  readonly expiry: Expiry;
  readonly turns: Turns;
  readonly hand: InHand;
  /** Whether a late ack that is under way settles the message; undefined when none is. */
  readonly claimed: (messageId: string) => Promise<boolean> | undefined;
}

/** Gets what goes next from the server, lane by lane, and leases it. */
export class Pulls {
  readonly #options: PullsOptions;
  #unreadable = { what: "", until: -Infinity };

  constructor(options: PullsOptions) {
    this.#options = options;
  }

  /** Why a message is not given out; undefined when all can be. */
  get problem(): string | undefined {
    const { what, until } = this.#unreadable;
    return this.#options.clock.monotonic() < until ? what : undefined;
  }

  /** The next message, which is leased; undefined when no lane has one. */
  async next(now: number): Promise<StoredMessage | undefined> {
    const { server, clock, consumers, turns } = this.#options;
    for (;;) {
      const lane = turns.next(clock.monotonic());
      if (lane === undefined) return undefined;
      const message = await server.attempt("read a message", async () => {
        const pulled = await consumers.pull(lane);
        if (pulled) {
          turns.hadOne(lane);
          return await this.#lease(pulled, lane, now);
        }
        turns.hadNothing(lane, clock.monotonic());
        return undefined;
      });
      if (message) return message;
    }
  }

  /** Undefined when it cannot be given out. */
  async #lease(pulled: Msg, lane: string, now: number): Promise<StoredMessage | undefined> {
    const { server, clock, settings, histories, expiry, turns, hand, claimed } = this.#options;
    const reply = pulled.reply ?? "";
    const { streamSequence, deliveryCount } = deliveryOf(reply);
    const head = headOf(pulled.headers);
    if (!head) {
      // Told until it is not found again: somebody may have removed it.
      const until = clock.monotonic() + 2 * unreadableRetryMs;
      this.#unreadable = { what: `${pulled.subject} is no message of a relay`, until };
      await giveBack(server, reply, unreadableRetryMs);
      turns.add(lane);
      return undefined;
    }
    const lease = hand.lease(head.id);
    if (lease) {
      // Its time is over at the server and not here: this relay stood still, or it lies there twice.
      if (lease.message.envelope.sequence === streamSequence) lease.reply = reply;
      else await giveBack(server, reply, settings.ackTimeoutMs);
      turns.add(lane);
      return undefined;
    }
    if (head.expiresAt <= now) {
      const found = { sequence: streamSequence, lane, body: pulled.data };
      if (await expiry.expire(head, found, now)) await acknowledge(server, reply);
      else await giveBack(server, reply, expiredRetryMs);
      turns.add(lane);
      return undefined;
    }
    if (await claimed(head.id)?.catch(() => false)) {
      await acknowledge(server, reply); // or its lane would wait for it
      turns.add(lane);
      return undefined;
    }
    const { message } = await hand.begin(head.id, async () => {
      const { deliveries, history } = deliveryCount > 1 ? await histories.of(head.id) : noPast;
      const message = messageOf(head, pulled.data, streamSequence, deliveries + 1);
      return { message, history, lane, reply };
    });
    if (settings.lanes.exclusive) turns.block(lane);
    else turns.add(lane);
    return message;
  }
}
