import { createHash } from "node:crypto";
import { AckPolicy } from "@nats-io/jetstream";
import type { Msg } from "@nats-io/transport-node";
import { systemClock } from "../../async/clock.ts";
import type { LaneRule } from "../lane.ts";
import type { NewMessage } from "../store.ts";
import { isApiError, type NatsServer } from "./connection.ts";
import { streamOf, subjectsOf, textOf, token } from "./names.ts";

/** JetStream's code for a consumer that is there, with other settings. */
const consumerExists = 10148;
/** Ordered lanes share this many consumers: keys that fall together wait for each other. */
const partitions = 32;
/**
 * How long a pull of an exclusive lane waits. One without a bound would wait as long as another relay holds the lane,
 * and one with a bound may be dropped without a word by a server that comes to it too late (2.9 does; what becomes
 * ready in that moment is gone with it until its ack wait is over).
 */
const patienceMs = 5;
/** After this a pull counts as answered with nothing; a message that comes later is given back. */
const lostMs = 500;

/**
 * The durable pull consumers of a channel, one for each lane. That of an exclusive lane gives out one message at a
 * time, to whichever relay asks.
 */
export class LaneConsumers {
  readonly #server: NatsServer;
  readonly #stream: string;
  readonly #subjects: string;
  readonly #rule: LaneRule;
  readonly #ackWaitMs: number;
  readonly #onLate: (late: Msg, lane: string) => void;
  /** Those there are, as far as is known: made here, found, or said by another relay. */
  readonly #made = new Map<string, Promise<unknown>>();
  /** Give up those under way. */
  readonly #pulls = new Set<() => void>();

  /** `onLate` takes the message of a pull that nobody waits for any more. */
  constructor(
    server: NatsServer,
    channel: string,
    rule: LaneRule,
    ackWaitMs: number,
    onLate: (late: Msg, lane: string) => void,
  ) {
    this.#server = server;
    this.#stream = streamOf(channel);
    this.#subjects = subjectsOf(channel);
    this.#rule = rule;
    this.#ackWaitMs = ackWaitMs;
    this.#onLate = onLate;
  }

  get all(): readonly string[] {
    return [...this.#made.keys()];
  }

  laneOf(message: NewMessage): string {
    const lane = this.#rule.laneOf(message);
    if (!this.#rule.exclusive) return lane;
    const hash = createHash("sha256").update(lane).digest().readUInt32BE(0);
    return `partition-${hash % partitions}`;
  }

  /** Learns of the lanes that were made before, or by other relays. */
  async find(): Promise<void> {
    for await (const { name } of this.#server.jsm.consumers.list(this.#stream)) {
      const lane = textOf(name);
      if (!this.#made.has(lane)) await this.ensure(lane);
    }
  }

  async ensure(lane: string): Promise<void> {
    const making = this.#made.get(lane) ?? this.#make(lane);
    this.#made.set(lane, making);
    await making.catch((error) => {
      this.#made.delete(lane);
      throw error;
    });
  }

  /** Its next message, leased for the ack wait; undefined when it has none to give, or none is heard of. */
  async pull(lane: string): Promise<Msg | undefined> {
    const request = {
      batch: 1,
      no_wait: true,
      ...(this.#rule.exclusive ? { expires: patienceMs * 1e6 } : {}),
    };
    const subject = `$JS.API.CONSUMER.MSG.NEXT.${this.#stream}.${token(lane)}`;
    const answering = this.#server.nc.request(subject, JSON.stringify(request), {
      timeout: lostMs + this.#ackWaitMs, // after that the server itself has taken back what it gave out
      noMux: true, // a message comes by its own subject
    });
    const answer = await this.#inTime(answering);
    if (!answer) {
      answering.then((late) => late.reply && this.#onLate(late, lane)).catch(() => {});
      return undefined;
    }
    // It is there, whoever made it.
    if (!this.#made.has(lane)) this.#made.set(lane, Promise.resolve());
    return answer.headers?.code ? undefined : answer;
  }

  /** Nothing is waited for any more. */
  close(): void {
    for (const giveUp of this.#pulls) giveUp();
  }

  async #inTime(answering: Promise<Msg>): Promise<Msg | undefined> {
    let giveUp = () => {};
    const nothing = new Promise<undefined>((resolve) => giveUp = () => resolve(undefined));
    this.#pulls.add(giveUp);
    const cancel = systemClock.after(lostMs, giveUp);
    try {
      return await Promise.race([answering, nothing]);
    } finally {
      cancel();
      this.#pulls.delete(giveUp);
    }
  }

  /** Made, or given the settings of now: servers from 2.10 on refuse to make one that is there with others. */
  async #make(lane: string): Promise<void> {
    const { consumers } = this.#server.jsm;
    const changing = {
      ack_wait: this.#ackWaitMs * 1e6,
      max_ack_pending: this.#rule.exclusive ? 1 : -1,
    };
    try {
      await consumers.add(this.#stream, {
        ...changing,
        durable_name: token(lane),
        filter_subject: `${this.#subjects}.${token(lane)}.>`,
        ack_policy: AckPolicy.Explicit,
        // The relay counts deliveries itself: what never reached a connector is none.
        max_deliver: -1,
      });
    } catch (error) {
      if (!isApiError(error, consumerExists)) throw error;
      await consumers.update(this.#stream, token(lane), changing);
    }
  }
}
