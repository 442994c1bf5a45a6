import type { Clock } from "../async/clock.ts";
import { closeCodes } from "../protocol/close_codes.ts";
import type { Extension, Settlement } from "../protocol/frames.ts";
import type { ChannelSettings } from "./channel_settings.ts";
import { HandOut } from "./hand_out.ts";
import { Leases } from "./leases.ts";
import { LostMessages } from "./lost_messages.ts";
import { type ConnectionInfo, Members, type Subscriber } from "./members.ts";
import type { ObserveRelay } from "./relay_events.ts";
import type {
  DeadLetter,
  NewMessage,
  SettleOutcome,
  Statistics,
  Store,
  StoreStats,
} from "./store.ts";

const nothing: ReadonlyMap<string, unknown> = new Map();

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
  readonly #connections: Map<string, Channel>;
  readonly #members: Members;
  readonly #leases: Leases;
  readonly #handOut: HandOut;
  readonly #lost: LostMessages;

  /** `connections` is the relay's: this channel by the ids of its connections that are open or have leases. */
  constructor(
    settings: ChannelSettings,
    store: Store,
    clock: Clock,
    observe: ObserveRelay,
    connections: Map<string, Channel>,
  ) {
    this.settings = settings;
    this.#store = store;
    this.#clock = clock;
    this.#observe = observe;
    this.#connections = connections;
    const members = new Members(clock, (connectionId) => connections.delete(connectionId));
    this.#members = members;
    const { name: channel } = settings;
    this.#lost = new LostMessages(channel, observe);
    this.#leases = new Leases({
      settings,
      store,
      members,
      clock,
      observe,
      onEnded: () => this.wake(),
      onFailed: (error) => this.#handOut.failed(error),
    });
    this.#handOut = new HandOut({
      store,
      members,
      clock,
      lease: (message, member) => {
        this.#leases.begin(message, member);
        member.subscriber.hand(message.envelope);
      },
      onStoreFailed: ({ message }) => observe({ type: "relay.store_failed", channel, message }),
    });
    store.shared?.attach(this);
  }

  /** Other relays may hand out what it has, too. */
  get isShared(): boolean {
    return this.#store.shared !== undefined;
  }

  /** Somebody is connected who takes a message now. */
  get hasRoom(): boolean {
    return this.#members.haveRoom;
  }

  /** Hands out what is ready. */
  wake(): void {
    this.#handOut.wake();
  }

  /** Brings the statistics of a store that others share up to date. */
  async refresh(which: Statistics): Promise<void> {
    await this.#store.shared?.refresh(which).catch((error) => this.#handOut.failed(error));
  }

  /** Resolves when the message is stored, with its sequence; undefined when the channel is full. */
  async publish(message: NewMessage): Promise<number | undefined> {
    const now = this.#clock.now();
    const sequence = await this.#store.append(message, now + this.settings.ttlMs, now);
    if (sequence !== undefined) this.wake();
    return sequence;
  }

  /** False when the channel has all the connections it takes. `greet` runs before the first message. */
  subscribe(subscriber: Subscriber, greet = () => {}): boolean {
    if (this.isFull) return false;
    greet();
    const { connectionId, protocol } = subscriber;
    this.#members.add(subscriber);
    this.#connections.set(connectionId, this);
    this.#observe({ type: "relay.connected", channel: this.settings.name, connectionId, protocol });
    this.wake();
    return true;
  }

  get isFull(): boolean {
    return this.openCount >= this.settings.maxConnections;
  }

  /** How many connections are open. */
  get openCount(): number {
    return this.#members.openCount;
  }

  /** A connector is there, be it between two polls. */
  get isServed(): boolean {
    return this.#members.areThere;
  }

  get subscribers(): readonly Subscriber[] {
    return this.#members.open.map(({ subscriber }) => subscriber);
  }

  /** The connector behind a connection that is open or still has leases. */
  connectorOf(connectionId: string): string | undefined {
    return this.#members.get(connectionId)?.subscriber.connectorId;
  }

  /** What a connection holds unsettled, by message id. */
  heldBy(connectionId: string): ReadonlyMap<string, unknown> {
    return this.#members.get(connectionId)?.leases ?? nothing;
  }

  /** The open connections. */
  get connections(): readonly ConnectionInfo[] {
    return this.#members.open.map((member) => ({ ...member, inFlight: member.leases.size }));
  }

  /** The connection is gone. What it had is given out again at once, unless its leases outlive it, or its connector may be back. */
  unsubscribe(connectionId: string): void {
    const member = this.#members.get(connectionId);
    if (!member?.isOpen) return;
    this.#members.close(member);
    this.#observe({ type: "relay.disconnected", channel: this.settings.name, connectionId });
    const { keepsLeases, mayResume } = member.subscriber;
    if (keepsLeases && member.leases.size > 0) return;
    if (mayResume && !member.isDraining) this.#leases.keep(member);
    else this.#leases.giveBack(member, [...member.leases.keys()]);
  }

  /** Messages that never reached the connector: they do not count as delivered. */
  giveBack(connectionId: string, messageIds: readonly string[]): void {
    const member = this.#members.get(connectionId);
    if (member) this.#leases.giveBack(member, messageIds);
  }

  /** Ends the connections whose token is no longer good. Those of a smee stream have none. */
  closeUnless(isGood: (tokenHash: string) => boolean, code: number, reason: string): void {
    for (const subscriber of this.subscribers) {
      if (subscriber.protocol !== "smee" && !isGood(subscriber.tokenHash)) {
        subscriber.disconnect(code, reason);
      }
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
  settle(settlement: Settlement, connectorId: string): Promise<SettleOutcome> {
    return this.#leases.settle(settlement, connectorId);
  }

  /**
   * Begins the ack timeout of these messages anew; resolves with how many are leased to the connector. The
   * others are ignored: an extension changes nothing that is settled or somebody else's. `by` is the connection that says
   * so: what those before it held it holds from then on.
   */
  extend(
    messageIds: readonly string[],
    connectorId: string,
    by?: Pick<Extension, "connectionId" | "isAll">,
  ): Promise<number> {
    const member = by && this.#members.get(by.connectionId);
    return this.#leases.extend(messageIds, connectorId, member, by?.isAll);
  }

  get stats(): StoreStats {
    return this.#store.stats(this.#clock.now());
  }

  deadLetters(...which: Parameters<Store["deadLetters"]>): Promise<readonly DeadLetter[]> {
    return this.#store.deadLetters(...which);
  }

  /** Gives dead letters out again; resolves with how many. */
  async replay(messageIds: readonly string[] | "all"): Promise<number> {
    const count = await this.#store.replay(messageIds, this.#clock.now(), this.settings.ttlMs);
    this.wake();
    return count;
  }

  purgeDeadLetters(): Promise<number> {
    return this.#store.purgeDeadLetters();
  }

  /** Makes dead letters of what has expired; resolves with how many. */
  async purge(): Promise<number> {
    let purged = 0;
    for (let step = 1; step > 0; purged += step) {
      step = await this.#store.purge(this.#clock.now());
    }
    if (purged > 0) this.wake();
    this.#lost.tell(this.stats);
    return purged;
  }

  close(): void {
    this.#lost.tell(this.stats);
    this.#handOut.stop();
    this.#leases.stop();
    for (const { disconnect } of this.subscribers) {
      disconnect(closeCodes.goingAway, "the relay is stopping");
    }
  }
}
