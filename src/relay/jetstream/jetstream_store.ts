import type { KV } from "@nats-io/kv";
import type { Msg } from "@nats-io/transport-node";
import type { Clock } from "../../async/clock.ts";
import type { Settlement } from "../../protocol/frames.ts";
import { historyWith } from "../history.ts";
import {
  type DeadLetter,
  type FailedDelivery,
  MessageTooLargeError,
  type NewMessage,
  type Reader,
  type SettleOutcome,
  type SharedStore,
  type Statistics,
  type Store,
  type StoredMessage,
  type StoreSettings,
  type StoreStats,
} from "../store.ts";
import { Tally } from "../tally.ts";
import type { NatsServer } from "./connection.ts";
import { DeadLetters } from "./dead_letters.ts";
import { Expiry } from "./expiry.ts";
import { Histories, noPast } from "./histories.ts";
import { deliveryOf, LaneConsumers } from "./lane_consumers.ts";
import { fits, headOf, messageOf } from "./message_codec.ts";
import { MessageStream } from "./message_stream.ts";
import { Peers } from "./peers.ts";
import { Turns } from "./turns.ts";

interface Lease {
  readonly message: StoredMessage;
  readonly history: readonly FailedDelivery[];
  readonly lane: string;
  /** Where its settlement is sent: the server's newest delivery of it. */
  reply: string;
}

/** How much longer than the relay's own lease the server's is: the relay ends first. */
const leaseMarginMs = 5_000;
/** A message that waits is ready this much sooner than we ask for it. */
const earlyMs = 25;
/** Between looks for what no relay told of: the leases of one that died. */
const sweepMs = 2_000;
/** Every so many of them: for lanes that no relay told of. */
const sweepsOfLanes = 15;
/** When a message that cannot be read is tried again. */
const unreadableRetryMs = 60_000;
/** When what another relay is putting away is looked at again. */
const expiredRetryMs = 5_000;

/**
 * The messages of one channel in JetStream, for any number of relays. A lease is a message that the
 * consumer of its lane gave to this relay; one that dies gives nothing back, and the server does after the ack
 * wait. Counts of `delivered`, `expired`, `deadLettered` and `inFlight` are this relay's own.
 */
export class JetStreamStore implements Store, SharedStore {
  readonly shared = this;
  readonly #server: NatsServer;
  readonly #clock: Clock;
  readonly #settings: StoreSettings;
  readonly #messages: MessageStream;
  readonly #consumers: LaneConsumers;
  readonly #histories: Histories;
  readonly #dead: DeadLetters;
  readonly #peers: Peers;
  readonly #expiry: Expiry;
  readonly #turns = new Turns();
  readonly #leased = new Map<string, Lease>();
  /** Pulled and not yet leased. */
  readonly #pulled = new Set<string>();
  /** Leased no more, and not yet settled. */
  readonly #settling = new Map<string, Lease>();
  /** Late acks under way, by message id: whether the message was still there. */
  readonly #claims = new Map<string, Promise<boolean>>();
  readonly #tally = new Tally();
  #unreadable = { what: "", until: -Infinity };
  #oldestAt: number | undefined;
  #deadLetters = 0;
  #reader: Reader | undefined;
  #cancelSweep = () => {};

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
    this.#histories = new Histories(history, channel);
    this.#dead = new DeadLetters(server, channel);
    this.#peers = new Peers(server, channel);
    this.#expiry = new Expiry({
      messages: this.#messages,
      histories: this.#histories,
      dead: this.#dead,
      peers: this.#peers,
      isHere: (id) => this.#leased.has(id) || this.#pulled.has(id) || this.#settling.has(id),
      onExpired: ({ id, webhookId }, lane) => {
        this.#gone(id, lane, webhookId);
        this.#tally.expired++;
      },
    });
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

  /** Why a message is not given out; undefined when all can be. */
  get problem(): string | undefined {
    const { what, until } = this.#unreadable;
    return this.#clock.monotonic() < until ? what : undefined;
  }

  async append(message: NewMessage, expiresAt: number, now: number): Promise<number | undefined> {
    if (!fits(message, this.#server.maxPayload)) {
      throw new MessageTooLargeError(
        "the message with its headers is larger than the server takes",
      );
    }
    const lane = this.#consumers.laneOf(message);
    return await this.#server.attempt("store a message", async () => {
      await this.#consumers.ensure(lane);
      const sequence = await this.#messages.add(message, lane, expiresAt) ??
        (await this.#expiry.purge(now) > 0
          ? await this.#messages.add(message, lane, expiresAt)
          : undefined);
      if (sequence !== undefined) this.#added(message, lane);
      return sequence;
    });
  }

  async take(now: number): Promise<StoredMessage | undefined> {
    for (;;) {
      const lane = this.#turns.next(this.#clock.monotonic());
      if (lane === undefined) return undefined;
      const message = await this.#server.attempt("read a message", async () => {
        const pulled = await this.#consumers.pull(lane);
        if (pulled) {
          this.#turns.hadOne(lane);
          return await this.#lease(pulled, lane, now);
        }
        this.#turns.hadNothing(lane, this.#clock.monotonic());
        return undefined;
      });
      if (message) return message;
    }
  }

  async claim(messageId: string): Promise<boolean> {
    if (this.#leased.has(messageId) || this.#pulled.has(messageId)) return false;
    const claim = this.#claims.get(messageId);
    if (claim) return await claim.then(() => false);
    const claiming = this.#claim(messageId);
    this.#claims.set(messageId, claiming);
    try {
      return await claiming;
    } finally {
      this.#claims.delete(messageId);
    }
  }

  async #claim(messageId: string): Promise<boolean> {
    return await this.#server.attempt("settle a message", async () => {
      const found = await this.#messages.find(messageId);
      if (!found || !await this.#messages.remove(found)) return false;
      this.#gone(messageId, found.lane, found.webhookId);
      this.#tally.delivered++;
      return true;
    });
  }

  async ack(messageId: string): Promise<boolean> {
    return await this.#end(messageId, "settle a message", async (lease) => {
      await this.#settle(lease);
      this.#tally.delivered++;
    });
  }

  async extend(messageId: string): Promise<boolean> {
    const lease = this.#leased.get(messageId);
    if (!lease) return false;
    await this.#server.attempt("extend a lease", () => this.#server.request(lease.reply, "+WPI"));
    return true;
  }

  async release(
    messageId: string,
    delayMs: number,
    why?: FailedDelivery,
    counts = why !== undefined,
  ): Promise<boolean> {
    const lease = this.#leased.get(messageId);
    if (!lease) return false;
    this.#leased.delete(messageId);
    const readyAt = this.#clock.monotonic() + delayMs;
    await this.#server.attempt("give a message back", async () => {
      if (why) {
        const deliveries = lease.message.deliveries - (counts ? 0 : 1);
        const history = historyWith(lease.history, why, counts);
        await this.#histories.keep(messageId, { deliveries, history });
      }
      await this.#giveBack(lease.reply, delayMs > 0 ? Math.max(1, delayMs - earlyMs) : 0);
    }).catch(() => {}); // the server gives it out again after the ack wait
    if (this.#settings.lanes.exclusive) this.#turns.block(lease.lane, readyAt);
    this.#turns.promise(lease.lane, readyAt);
    if (delayMs === 0) this.#peers.wake(lease.lane);
    this.#reader?.wake();
    return true;
  }

  async bury(messageId: string, failed: FailedDelivery): Promise<boolean> {
    return await this.#end(messageId, "put a message away", async (lease) => {
      await this.#dead.add(lease.message, historyWith(lease.history, failed), failed.at);
      await this.#settle(lease);
      this.#tally.deadLettered++;
    });
  }

  readyInMs(): number | undefined {
    const at = this.#turns.nextReadyAt;
    return at === undefined ? undefined : Math.max(0, at - this.#clock.monotonic());
  }

  stats(_now: number): StoreStats {
    return this.#tally.stats({
      inFlight: this.#leased.size,
      deadLetters: this.#deadLetters,
      oldestAt: this.#oldestAt,
    });
  }

  async purge(now: number): Promise<number> {
    return await this.#server.attempt("purge what has expired", () => this.#expiry.purge(now));
  }

  async deadLetters(...which: Parameters<Store["deadLetters"]>): Promise<readonly DeadLetter[]> {
    return await this.#server.attempt("read dead letters", () => this.#dead.newest(...which));
  }

  async replay(messageIds: readonly string[] | "all", now: number, ttlMs: number): Promise<number> {
    return await this.#server.attempt("replay dead letters", async () => {
      let replayed = 0;
      for await (const stored of this.#dead.of(messageIds)) {
        const { sequence: _, deliveryCount: __, ...message } = stored.letter.message.envelope;
        const lane = this.#consumers.laneOf(message);
        await this.#consumers.ensure(lane);
        // Stored first: it is there twice rather than lost. The server knows what was replayed at the same time.
        const once = `${message.id}:${stored.sequence}`;
        const sequence = await this.#messages.add(message, lane, now + ttlMs, once);
        if (sequence === undefined) break; // full: the others stay
        if (!await this.#dead.remove(stored)) continue;
        this.#added(message, lane);
        replayed++;
      }
      return replayed;
    });
  }

  async purgeDeadLetters(): Promise<number> {
    return await this.#server.attempt("purge dead letters", () => this.#dead.purge());
  }

  attach(reader: Reader): void {
    this.#reader = reader;
    this.#peers.listen({
      woken: (lane) => {
        this.#turns.promise(lane);
        reader.wake();
      },
      settle: (settlement, connectorId) =>
        this.#leased.has(settlement.messageId) ? reader.settle(settlement, connectorId) : undefined,
      extend: (messageIds, connectorId) => {
        const here = messageIds.filter((id) => this.#leased.has(id));
        return here.length > 0 ? reader.extend(here, connectorId) : undefined;
      },
      held: (expiredAt) => {
        const inHand = [...this.#leased.values(), ...this.#settling.values()]
          .filter(({ message }) => message.expiresAt <= expiredAt);
        return [...inHand.map(({ message }) => message.envelope.id), ...this.#pulled];
      },
    });
    let sweeps = 0;
    const sweep = () => {
      if (reader.hasRoom) {
        if (sweeps++ % sweepsOfLanes === 0) void this.#findLanes();
        for (const lane of this.#consumers.all) this.#turns.add(lane);
        reader.wake();
      }
      this.#cancelSweep = this.#clock.after(sweepMs, sweep);
    };
    sweep();
  }

  settleElsewhere(
    settlement: Settlement,
    connectorId: string,
  ): Promise<SettleOutcome | undefined> {
    return this.#peers.settle(settlement, connectorId);
  }

  extendElsewhere(messageIds: readonly string[], connectorId: string): Promise<number> {
    return this.#peers.extend(messageIds, connectorId);
  }

  async refresh(which: Statistics): Promise<void> {
    await this.#server.attempt("read the statistics", async () => {
      await this.#consumers.find();
      const [{ messages, byWebhookId, firstSequence }, deadLetters] = await Promise.all([
        this.#messages.count(which),
        this.#dead.count(),
      ]);
      this.#deadLetters = deadLetters;
      if (byWebhookId) {
        this.#tally.clear();
        for (const one of byWebhookId) this.#tally.add(one.webhookId, one.messages, 0);
      }
      this.#tally.messages = messages; // those by webhook id may be of another moment
      const oldest = messages === 0 ? undefined : await this.#messages.next(firstSequence);
      this.#oldestAt = oldest?.head && Date.parse(oldest.head.receivedAt);
    });
  }

  async #findLanes(): Promise<void> {
    // It is tried again; what is wrong shows in the server's `problem`.
    await this.#server.attempt("find the lanes", () => this.#consumers.find()).catch(() => {});
  }

  /** Resolves when nothing is purged any more. */
  async close(): Promise<void> {
    this.#cancelSweep();
    this.#peers.close();
    this.#consumers.close();
    await this.#expiry.close();
  }

  async #open(): Promise<void> {
    await this.#messages.open(this.#settings);
    await this.#dead.open(this.#settings);
    await this.refresh("all");
    for (const lane of this.#consumers.all) this.#turns.add(lane);
  }

  #added(message: NewMessage, lane: string): void {
    if (this.#tally.messages === 0) this.#oldestAt = Date.parse(message.receivedAt);
    this.#tally.add(message.webhookId, 1, 0); // the server counts the bytes
    this.#isReady(lane);
  }

  /** One more may be taken, here or at another relay. */
  #isReady(lane: string): void {
    this.#turns.promise(lane);
    this.#peers.wake(lane);
  }

  /** Undefined when it cannot be given out. */
  async #lease(pulled: Msg, lane: string, now: number): Promise<StoredMessage | undefined> {
    const reply = pulled.reply ?? "";
    const { streamSequence, deliveryCount } = deliveryOf(reply);
    const head = headOf(pulled.headers);
    if (!head) {
      // Told until it is not found again: somebody may have removed it.
      const until = this.#clock.monotonic() + 2 * unreadableRetryMs;
      this.#unreadable = { what: `${pulled.subject} is no message of a relay`, until };
      await this.#giveBack(reply, unreadableRetryMs);
      this.#turns.add(lane);
      return undefined;
    }
    const lease = this.#leased.get(head.id);
    if (lease) {
      // Its time is over at the server and not here: this relay stood still, or it lies there twice.
      if (lease.message.envelope.sequence === streamSequence) lease.reply = reply;
      else await this.#giveBack(reply, this.#settings.ackTimeoutMs);
      this.#turns.add(lane);
      return undefined;
    }
    if (head.expiresAt <= now) {
      const found = { sequence: streamSequence, lane, body: pulled.data };
      if (await this.#expiry.expire(head, found, now)) await this.#server.request(reply, "+ACK");
      else await this.#giveBack(reply, expiredRetryMs);
      this.#turns.add(lane);
      return undefined;
    }
    if (await this.#claims.get(head.id)?.catch(() => false)) {
      await this.#server.request(reply, "+ACK"); // or its lane would wait for it
      this.#turns.add(lane);
      return undefined;
    }
    this.#pulled.add(head.id);
    try {
      const past = deliveryCount > 1 ? await this.#histories.of(head.id) : noPast;
      const message = messageOf(head, pulled.data, streamSequence, past.deliveries + 1);
      this.#leased.set(head.id, { message, history: past.history, lane, reply });
      if (this.#settings.lanes.exclusive) this.#turns.block(lane);
      else this.#turns.add(lane);
      return message;
    } finally {
      this.#pulled.delete(head.id);
    }
  }

  /** Nobody waits for it any more: it waits for whoever asks next. */
  async #cameLate(reply: string, lane: string): Promise<void> {
    await this.#server.attempt("give a message back", () => this.#giveBack(reply, 0))
      .catch(() => {}); // the server gives it out again after the ack wait
    this.#isReady(lane);
    this.#reader?.wake();
  }

  async #giveBack(reply: string, delayMs: number): Promise<void> {
    const delay = Math.round(delayMs * 1e6); // whole nanoseconds, or none is read
    await this.#server.request(reply, delay > 0 ? `-NAK {"delay": ${delay}}` : "-NAK");
  }

  async #settle({ message, history, lane, reply }: Lease): Promise<void> {
    await this.#server.request(reply, "+ACK");
    const { id, webhookId } = message.envelope;
    this.#gone(id, lane, webhookId);
    if (history.length > 0) this.#histories.forget(id);
  }

  /**
   * False when it is not leased. Its lane goes on even if the server did not answer: the server knows which message is
   * the next.
   */
  async #end(id: string, what: string, work: (lease: Lease) => Promise<void>): Promise<boolean> {
    const lease = this.#leased.get(id);
    if (!lease) return false;
    this.#leased.delete(id);
    this.#settling.set(id, lease);
    try {
      await this.#server.attempt(what, () => work(lease));
      return true;
    } catch (error) {
      this.#turns.free(lease.lane);
      throw error;
    } finally {
      this.#settling.delete(id);
    }
  }

  #gone(id: string, lane: string, webhookId: string): void {
    this.#leased.delete(id);
    this.#tally.remove(webhookId, 0);
    if (!this.#settings.lanes.exclusive) return;
    this.#turns.free(lane);
    this.#peers.wake(lane);
  }
}
