import type { Clock } from "../async/clock.ts";
import { closeCodes } from "../protocol/close_codes.ts";
import type { Envelope } from "../protocol/envelope.ts";
import type { Settlement } from "../protocol/frames.ts";
import type { Ordering } from "../protocol/ordering.ts";
import type { ObserveRelay } from "./relay_events.ts";
import {
  type DeadLetter,
  type NewMessage,
  type SettleOutcome,
  type Store,
  type StoredMessage,
  type StoreStats,
  StoreUnavailableError,
} from "./store.ts";

export interface ChannelSettings {
  readonly name: string;
  readonly ttlMs: number;
  readonly maxMessages: number;
  /** Bodies of messages not settled, bytes. */
  readonly maxQueueBytes: number;
  readonly maxConnections: number;
  readonly maxInFlight: number;
  readonly ackTimeoutMs: number;
  readonly maxDeliveries: number;
  readonly maxBodyBytes: number;
  readonly ordering: Ordering;
}

/** One connector's place on a channel. */
export interface Subscriber {
  readonly connectionId: string;
  readonly connectorId: string;
  readonly protocol: "websocket" | "sse" | "long_poll";
  readonly connectedAt: number;
  readonly remoteAddress: string;
  /** Hash of the token it came with. */
  readonly tokenHash: string;
  /** When the connector was last heard, milliseconds since the epoch. */
  heardAt(): number;
  /** Messages it may hold unsettled; where leases outlive connections, with those of the ones before. */
  readonly window: number;
  /** Leases outlive the connection until their ack timeout: a long poll ends before it is acknowledged. */
  readonly keepsLeases: boolean;
  /** Hands a message over; must not throw. */
  hand(envelope: Envelope): void;
  /** Ends the connection from the relay's side; `code` and `reason` reach those who speak WebSocket. */
  disconnect(code: number, reason: string): void;
}

/** A connection as the admin API shows it. Times are milliseconds since the epoch. */
export interface ConnectionInfo {
  readonly subscriber: Subscriber;
  readonly inFlight: number;
  readonly received: number;
  readonly acked: number;
  readonly nacked: number;
  readonly lastMessageAt: number | undefined;
}

interface Member {
  received: number;
  acked: number;
  nacked: number;
  lastMessageAt: number | undefined;
  readonly subscriber: Subscriber;
  readonly leases: Set<string>;
  isOpen: boolean;
  isDraining: boolean;
}

/** A message with the connector it was given to. */
interface Handed {
  readonly message: StoredMessage;
  readonly connectorId: string;
}

interface Lease extends Handed {
  readonly member: Member;
  cancelTimeout: () => void;
}

/** A nack without a delay of its own waits this long, doubled with every delivery up to the cap. */
const nackBaseMs = 1_000;
const nackCapMs = 60_000;
/** What a connector gave back untried waits this long, unless it says otherwise. */
const untriedDelayMs = 1_000;
/** How long after the store failed it is tried again. */
const storeRetryMs = 1_000;
/** How long an ack of a connection that has ended is still taken from the same connector. */
const lateAckMs = 60_000;

/**
 * One queue and those who read it. A message goes to the reader with the fewest unsettled; it is leased for
 * the ack timeout and comes back when that passes, when it is nacked, or when its connection ends. While
 * nobody is connected nothing is tried and nothing counted.
 */
export class Channel {
  readonly settings: ChannelSettings;
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #observe: ObserveRelay;
  readonly #members = new Map<string, Member>();
  readonly #leases = new Map<string, Lease>();
  /** Unsettled messages by connector id. */
  readonly #held = new Map<string, number>();
  /** Given back when its connection ended; an ack that was on its way still counts. */
  readonly #lately = new Map<string, { connectorId: string; until: number }>();
  #pumping = false;
  #pumpAgain = false;
  #cancelWake = () => {};

  constructor(settings: ChannelSettings, store: Store, clock: Clock, observe: ObserveRelay) {
    this.settings = settings;
    this.#store = store;
    this.#clock = clock;
    this.#observe = observe;
    store.shared?.attach(this);
  }

  /** Somebody is connected who takes a message now. */
  get hasRoom(): boolean {
    return this.#leastLoaded() !== undefined;
  }

  /** Hands out what is ready. */
  wake(): void {
    void this.#pump();
  }

  /** Brings the statistics of a store that others share up to date. */
  async refresh(): Promise<void> {
    await this.#store.shared?.refresh().catch((error) => this.#storeFailed(error));
  }

  /** Resolves when the message is stored, with its sequence; undefined when the channel is full. */
  async publish(message: NewMessage): Promise<number | undefined> {
    const now = this.#clock.now();
    const sequence = await this.#store.append(message, now + this.settings.ttlMs, now);
    if (sequence !== undefined) void this.#pump();
    return sequence;
  }

  /** False when the channel has all the connections it takes. `greet` runs before the first message. */
  subscribe(subscriber: Subscriber, greet = () => {}): boolean {
    if (this.isFull) return false;
    greet();
    const { connectionId } = subscriber;
    this.#members.set(connectionId, {
      received: 0,
      acked: 0,
      nacked: 0,
      lastMessageAt: undefined,
      subscriber,
      leases: new Set(),
      isOpen: true,
      isDraining: false,
    });
    this.#observe({
      type: "relay.connected",
      channel: this.settings.name,
      connectionId,
      protocol: subscriber.protocol,
    });
    void this.#pump();
    return true;
  }

  get isFull(): boolean {
    return this.subscribers.length >= this.settings.maxConnections;
  }

  get subscribers(): readonly Subscriber[] {
    return [...this.#members.values()].filter(({ isOpen }) => isOpen).map((member) =>
      member.subscriber
    );
  }

  /** The connector behind a connection that is open or still has leases. */
  connectorOf(connectionId: string): string | undefined {
    return this.#members.get(connectionId)?.subscriber.connectorId;
  }

  /** The open connections. */
  get connections(): readonly ConnectionInfo[] {
    return [...this.#members.values()].filter(({ isOpen }) => isOpen).map((member) => ({
      ...member,
      inFlight: member.leases.size,
    }));
  }

  /** The connection is gone. What it had is given out again at once, unless its leases outlive it. */
  unsubscribe(connectionId: string): void {
    const member = this.#members.get(connectionId);
    if (!member?.isOpen) return;
    member.isOpen = false;
    const { subscriber } = member;
    this.#observe({ type: "relay.disconnected", channel: this.settings.name, connectionId });
    if (subscriber.keepsLeases && member.leases.size > 0) return;
    this.#members.delete(connectionId);
    this.giveBack(connectionId, [...member.leases], member);
  }

  /** Messages that never reached the connector: they do not count as delivered. */
  giveBack(connectionId: string, messageIds: readonly string[], of?: Member): void {
    const member = of ?? this.#members.get(connectionId);
    if (!member) return;
    const { connectorId, protocol } = member.subscriber;
    const at = this.#clock.now();
    const ended = { at, connectorId, reason: "the connection ended" };
    for (const id of messageIds) {
      if (this.#leases.get(id)?.member !== member) continue;
      this.#endLease(id);
      this.#rememberLately(id, connectorId, at);
      void this.#store.release(id, at, protocol === "long_poll" ? undefined : ended);
    }
    void this.#pump();
  }

  /** Ends the connections whose token is no longer good. */
  closeUnless(isGood: (tokenHash: string) => boolean, code: number, reason: string): void {
    for (const subscriber of this.subscribers) {
      if (!isGood(subscriber.tokenHash)) subscriber.disconnect(code, reason);
    }
  }

  /** Nothing new for this connection. */
  drain(connectionId: string): void {
    const member = this.#members.get(connectionId);
    if (member) member.isDraining = true;
  }

  isDrained(connectionId: string): boolean {
    const member = this.#members.get(connectionId);
    return member !== undefined && member.isDraining && member.leases.size === 0;
  }

  /**
   * Settles one message. `unknown`: it is not in flight for this connector. The connection it was handed to
   * need not be there any more; the connector must be the same. `unavailable`: the store could not take it, and
   * the message comes again.
   */
  async settle(settlement: Settlement, connectorId: string): Promise<SettleOutcome> {
    try {
      return await this.#settle(settlement, connectorId);
    } catch (error) {
      this.#storeFailed(error);
      return "unavailable";
    }
  }

  async #settle(settlement: Settlement, connectorId: string): Promise<SettleOutcome> {
    const id = settlement.messageId;
    const lease = this.#leases.get(id);
    const now = this.#clock.now();
    if (!lease) return await this.#settleLately(settlement, connectorId, now);
    if (lease.connectorId !== connectorId) return "unknown";
    this.#endLease(id);
    lease.member[settlement.verdict === "ack" ? "acked" : "nacked"]++;
    if (settlement.verdict === "ack") {
      await this.#store.ack(id);
      this.#observe({ type: "relay.acked", channel: this.settings.name, messageId: id });
    } else if (!settlement.retry) {
      await this.#bury(lease, settlement.reason ?? "rejected by the connector");
    } else {
      this.#observe({ type: "relay.nacked", channel: this.settings.name, messageId: id });
      if (settlement.attempted === false) {
        const delayMs = this.#atMostTtl(settlement.delayMs ?? untriedDelayMs);
        await this.#store.release(id, now + delayMs);
      } else {
        await this.#giveOutAgain(lease, settlement.delayMs, settlement.reason ?? "nacked");
      }
    }
    void this.#pump();
    return "settled";
  }

  /**
   * Begins the ack timeout of these messages anew; resolves with how many are leased to the connector. The
   * others are ignored: an extension changes nothing that is settled or somebody else's.
   */
  async extend(messageIds: readonly string[], connectorId: string): Promise<number> {
    try {
      const elsewhere = messageIds.filter((id) => !this.#leases.has(id));
      const counts = await Promise.all([
        ...messageIds.map((id) => this.#extend(id, connectorId)),
        elsewhere.length > 0 ? this.#store.shared?.extendElsewhere(elsewhere, connectorId) ?? 0 : 0,
      ]);
      return counts.reduce((sum, count) => sum + count, 0);
    } catch (error) {
      this.#storeFailed(error);
      return 0;
    }
  }

  async #extend(id: string, connectorId: string): Promise<0 | 1> {
    const lease = this.#leases.get(id);
    if (lease?.connectorId !== connectorId || !await this.#store.extend(id)) return 0;
    if (this.#leases.get(id) !== lease) return 0; // it ended meanwhile
    lease.cancelTimeout();
    lease.cancelTimeout = this.#afterAckTimeout(lease);
    return 1;
  }

  get stats(): StoreStats {
    return this.#store.stats(this.#clock.now());
  }

  deadLetters(limit: number): Promise<readonly DeadLetter[]> {
    return this.#store.deadLetters(limit);
  }

  /** Gives dead letters out again; resolves with how many. */
  async replay(messageIds: readonly string[] | "all"): Promise<number> {
    const count = await this.#store.replay(messageIds, this.#clock.now(), this.settings.ttlMs);
    void this.#pump();
    return count;
  }

  purgeDeadLetters(): Promise<number> {
    return this.#store.purgeDeadLetters();
  }

  /** Removes what has expired; resolves with how many. */
  async purge(): Promise<number> {
    let purged = 0;
    for (;;) {
      const step = await this.#store.purge(this.#clock.now());
      if (step === 0) {
        if (purged > 0) void this.#pump();
        return purged;
      }
      purged += step;
    }
  }

  close(): void {
    this.#cancelWake();
    for (const { cancelTimeout } of this.#leases.values()) cancelTimeout();
    for (const { disconnect } of this.subscribers) {
      disconnect(closeCodes.goingAway, "the relay is stopping");
    }
  }

  /** The message was given back when its connection ended, but its ack was on its way: take it, if nobody has it. */
  async #settleLately(
    settlement: Settlement,
    connectorId: string,
    now: number,
  ): Promise<SettleOutcome> {
    const id = settlement.messageId;
    const lately = this.#lately.get(id);
    const isLate = lately?.connectorId === connectorId && lately.until >= now;
    const { shared } = this.#store;
    if (!isLate) {
      const elsewhere = await shared?.settleElsewhere(settlement, connectorId);
      if (elsewhere) return elsewhere;
    }
    // Where relays share a store the one that handed it out may be gone: its connector knows what it got.
    if (settlement.verdict !== "ack" || !(isLate || shared)) return "unknown";
    if (!await this.#store.claim(id)) return "unknown";
    this.#lately.delete(id);
    this.#observe({ type: "relay.acked", channel: this.settings.name, messageId: id });
    void this.#pump();
    return "settled";
  }

  #rememberLately(id: string, connectorId: string, now: number): void {
    this.#lately.set(id, { connectorId, until: now + lateAckMs });
    for (const [old, { until }] of this.#lately) {
      if (until >= now && this.#lately.size <= this.settings.maxMessages) break;
      this.#lately.delete(old);
    }
  }

  #endLease(id: string): void {
    const lease = this.#leases.get(id);
    if (!lease) return;
    this.#leases.delete(id);
    this.#countHeld(lease.connectorId, -1);
    lease.cancelTimeout();
    const { member } = lease;
    member.leases.delete(id);
    if (!member.isOpen && member.leases.size === 0) {
      this.#members.delete(member.subscriber.connectionId);
    }
  }

  async #giveOutAgain(lease: Handed, delayMs: number | undefined, reason: string) {
    const { message: { envelope: { id }, deliveries }, connectorId } = lease;
    if (deliveries >= this.settings.maxDeliveries) {
      return await this.#bury(lease, `given up after ${deliveries} deliveries: ${reason}`);
    }
    const growing = Math.min(nackCapMs, nackBaseMs * 2 ** Math.min(deliveries - 1, 16));
    const at = this.#clock.now();
    const readyAt = at + this.#atMostTtl(delayMs ?? growing);
    await this.#store.release(id, readyAt, { at, connectorId, reason });
  }

  #atMostTtl(delayMs: number): number {
    return Math.min(delayMs, this.settings.ttlMs);
  }

  async #bury({ message, connectorId }: Handed, reason: string): Promise<void> {
    const { id } = message.envelope;
    await this.#store.bury(id, { at: this.#clock.now(), connectorId, reason });
    this.#observe({
      type: "relay.dead_lettered",
      channel: this.settings.name,
      messageId: id,
      reason,
    });
  }

  /** Hands out what is ready to whoever has room. One at a time, so that messages are offered in sequence. */
  async #pump(): Promise<void> {
    if (this.#pumping) {
      this.#pumpAgain = true;
      return;
    }
    this.#pumping = true;
    try {
      do {
        this.#pumpAgain = false;
        while (this.#leastLoaded()) {
          const message = await this.#store.take(this.#clock.now());
          if (!message) break;
          const member = this.#leastLoaded();
          if (member) this.#handOut(message, member);
          else await this.#store.release(message.envelope.id, this.#clock.now());
        }
      } while (this.#pumpAgain);
      this.#wakeWhenReady();
    } catch (error) {
      this.#storeFailed(error);
    } finally {
      this.#pumping = false;
    }
  }

  /** What could not be read or written is tried again in a moment; anything else is a bug and not caught. */
  #storeFailed(error: unknown): void {
    if (!(error instanceof StoreUnavailableError)) throw error;
    this.#observe({
      type: "relay.store_failed",
      channel: this.settings.name,
      message: error.message,
    });
    this.#cancelWake();
    this.#cancelWake = this.#clock.after(storeRetryMs, () => void this.#pump());
  }

  #handOut(message: StoredMessage, member: Member): void {
    const { envelope } = message;
    const { connectorId, connectionId } = member.subscriber;
    const handed = { message, connectorId };
    const cancelTimeout = this.#afterAckTimeout(handed);
    this.#leases.set(envelope.id, { ...handed, member, cancelTimeout });
    this.#countHeld(connectorId, 1);
    this.#lately.delete(envelope.id);
    member.leases.add(envelope.id);
    member.received++;
    member.lastMessageAt = this.#clock.now();
    this.#observe({
      type: "relay.handed_out",
      channel: this.settings.name,
      messageId: envelope.id,
      connectionId,
      delivery: message.deliveries,
    });
    member.subscriber.hand(envelope);
  }

  #afterAckTimeout(handed: Handed): () => void {
    return this.#clock.after(this.settings.ackTimeoutMs, () => {
      const messageId = handed.message.envelope.id;
      this.#endLease(messageId);
      this.#observe({ type: "relay.lease_expired", channel: this.settings.name, messageId });
      this.#giveOutAgain(handed, 0, "not acknowledged in time")
        .catch((error) => this.#storeFailed(error))
        .then(() => this.#pump());
    });
  }

  #leastLoaded(): Member | undefined {
    let best: Member | undefined;
    for (const member of this.#members.values()) {
      if (!member.isOpen || member.isDraining) continue;
      if (this.#load(member) >= member.subscriber.window) continue;
      if (!best || this.#load(member) < this.#load(best)) best = member;
    }
    return best;
  }

  #load({ subscriber, leases }: Member): number {
    return subscriber.keepsLeases ? this.#held.get(subscriber.connectorId) ?? 0 : leases.size;
  }

  #countHeld(connectorId: string, change: 1 | -1): void {
    const held = (this.#held.get(connectorId) ?? 0) + change;
    if (held === 0) this.#held.delete(connectorId);
    else this.#held.set(connectorId, held);
  }

  #wakeWhenReady(): void {
    this.#cancelWake();
    const at = this.#store.nextReadyAt();
    if (at === undefined || !this.#leastLoaded()) return;
    this.#cancelWake = this.#clock.after(
      Math.max(0, at - this.#clock.now()),
      () => void this.#pump(),
    );
  }
}
