import type { KV } from "@nats-io/kv";
import type { Msg } from "@nats-io/transport-node";
import type { Clock } from "../../async/clock.ts";
import {
  type DeadLetter,
  type FailedDelivery,
  MessageTooLargeError,
  type NewMessage,
  type SharedStore,
  type Store,
  type StoredMessage,
  type StoreSettings,
  type StoreStats,
} from "../store.ts";
import type { NatsServer } from "./connection.ts";
import { Arrivals } from "./arrivals.ts";
import { DeadLetters } from "./dead_letters.ts";
import { giveBack } from "./delivery.ts";
import { Expiry } from "./expiry.ts";
import { Figures } from "./figures.ts";
import { Histories } from "./histories.ts";
import { InHand } from "./in_hand.ts";
import { LaneConsumers } from "./lane_consumers.ts";
import { fits } from "./message_codec.ts";
import { MessageStream } from "./message_stream.ts";
import { Peers } from "./peers.ts";
import { Pulls } from "./pulls.ts";
import { Settlements } from "./settlements.ts";
import { Sharing } from "./sharing.ts";
import { Turns } from "./turns.ts";

/** How much longer than the relay's own lease the server's is: the relay ends first. */
const leaseMarginMs = 5_000;

/**
 * The messages of one channel in JetStream, for any number of relays. A lease is a message that the
 * consumer of its lane gave to this relay; one that dies gives nothing back, and the server does after the ack
 * wait. Counts of `delivered`, `expired`, `deadLettered` and `inFlight` are this relay's own.
 */
export class JetStreamStore implements Store {
  readonly #server: NatsServer;
  readonly #clock: Clock;
  readonly #settings: StoreSettings;
  readonly #messages: MessageStream;
  readonly #consumers: LaneConsumers;
  readonly #dead: DeadLetters;
  readonly #peers: Peers;
  readonly #expiry: Expiry;
  readonly #arrivals: Arrivals;
  readonly #pulls: Pulls;
  readonly #settlements: Settlements;
  readonly #turns = new Turns();
  readonly #hand = new InHand();
  readonly #figures: Figures;
  readonly #sharing: Sharing;

  private constructor(
    server: NatsServer,
    history: KV,
    clock: Clock,
    channel: string,
    settings: StoreSettings,
  ) {
    this.#server = server;
    this.#clock = clock;
    this.#settings = settings;
    this.#messages = new MessageStream(server, channel);
    const ackWaitMs = settings.ackTimeoutMs + leaseMarginMs;
    const onLate = ({ reply = "" }: Msg, lane: string) => void this.#cameLate(reply, lane);
    this.#consumers = new LaneConsumers(server, channel, settings.lanes, ackWaitMs, onLate);
    this.#dead = new DeadLetters(server, channel);
    this.#peers = new Peers(server, channel);
    this.#figures = new Figures(this.#messages, this.#dead);
    const parts = {
      server,
      clock,
      settings,
      messages: this.#messages,
      consumers: this.#consumers,
      histories: new Histories(history, channel),
      dead: this.#dead,
      peers: this.#peers,
      turns: this.#turns,
      hand: this.#hand,
      figures: this.#figures,
    };
    this.#expiry = new Expiry({
      ...parts,
      onExpired: ({ id, webhookId }, lane) => {
        this.#settlements.gone(id, lane, webhookId);
        this.#figures.tally.expired++;
      },
    });
    this.#arrivals = new Arrivals({
      ...parts,
      purge: (now) => this.#expiry.purge(now),
      onAdded: (message, lane) => {
        this.#figures.added(message);
        this.#isReady(lane);
      },
    });
    this.#settlements = new Settlements({
      ...parts,
      wakeReader: () => this.#sharing.wakeReader(),
    });
    this.#pulls = new Pulls({
      ...parts,
      expiry: this.#expiry,
      claimed: (id) => this.#settlements.claimed(id),
    });
    this.#sharing = new Sharing(parts);
  }

  static async open(
    ...parts: [NatsServer, history: KV, Clock, channel: string, StoreSettings]
  ): Promise<JetStreamStore> {
    const [server, , , channel] = parts;
    const store = new JetStreamStore(...parts);
    await server.attempt(
      `open the streams of the channel ${JSON.stringify(channel)}`,
      () => store.#open(),
    );
    return store;
  }

  get shared(): SharedStore {
    return this.#sharing;
  }

  /** Why a message is not given out; undefined when all can be. */
  get problem(): string | undefined {
    return this.#pulls.problem;
  }

  async append(message: NewMessage, expiresAt: number, now: number): Promise<number | undefined> {
    if (!fits(message, this.#server.maxPayload)) {
      throw new MessageTooLargeError(
        "the message with its headers is larger than the server takes",
      );
    }
    return await this.#server.attempt(
      "store a message",
      () => this.#arrivals.append(message, expiresAt, now),
    );
  }

  take(now: number): Promise<StoredMessage | undefined> {
    return this.#pulls.next(now);
  }

  claim(messageId: string): Promise<boolean> {
    return this.#settlements.claim(messageId);
  }

  extend(messageId: string): Promise<boolean> {
    return this.#settlements.extend(messageId);
  }

  ack(messageId: string): Promise<boolean> {
    return this.#settlements.ack(messageId);
  }

  release(...which: Parameters<Store["release"]>): Promise<boolean> {
    return this.#settlements.release(...which);
  }

  bury(messageId: string, failed: FailedDelivery): Promise<boolean> {
    return this.#settlements.bury(messageId, failed);
  }

  readyInMs(): number | undefined {
    const at = this.#turns.nextReadyAt;
    return at === undefined ? undefined : Math.max(0, at - this.#clock.monotonic());
  }

  stats(_now: number): StoreStats {
    return this.#figures.stats(this.#hand.leases);
  }

  async purge(now: number): Promise<number> {
    return await this.#server.attempt("purge what has expired", () => this.#expiry.purge(now));
  }

  async deadLetters(...which: Parameters<Store["deadLetters"]>): Promise<readonly DeadLetter[]> {
    return await this.#server.attempt("read dead letters", () => this.#dead.newest(...which));
  }

  async replay(messageIds: readonly string[] | "all", now: number, ttlMs: number): Promise<number> {
    return await this.#server.attempt(
      "replay dead letters",
      () => this.#arrivals.replay(messageIds, now, ttlMs),
    );
  }

  async purgeDeadLetters(): Promise<number> {
    return await this.#server.attempt("purge dead letters", () => this.#dead.purge());
  }

  /** Resolves when nothing is purged any more. */
  async close(): Promise<void> {
    this.#sharing.close();
    this.#consumers.close();
    await this.#expiry.close();
  }

  async #open(): Promise<void> {
    await this.#messages.open(this.#settings);
    await this.#dead.open(this.#settings);
    await this.#sharing.refresh("all");
    for (const lane of this.#consumers.all) this.#turns.add(lane);
  }

  /** One more may be taken, here or at another relay. */
  #isReady(lane: string): void {
    this.#turns.promise(lane);
    this.#peers.wake(lane);
  }

  /** Nobody waits for it any more: it waits for whoever asks next. */
  async #cameLate(reply: string, lane: string): Promise<void> {
    await this.#server.attempt("give a message back", () => giveBack(this.#server, reply, 0))
      .catch(() => {}); // the server gives it out again after the ack wait
    this.#isReady(lane);
    this.#sharing.wakeReader();
  }
}
