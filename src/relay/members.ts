import type { Clock } from "../async/clock.ts";
import type { Envelope } from "../protocol/envelope.ts";

/** How much may be held unsettled: nothing more is handed out from either on. */
export interface Window {
  readonly messages: number;
  /** Of their bodies. */
  readonly bytes: number;
}

/** What is held unsettled. */
interface Held {
  messages: number;
  bytes: number;
  /** Connections that count for it. */
  members: number;
}

/** One connector's place on a channel. */
export interface Subscriber {
  readonly connectionId: string;
  readonly connectorId: string;
  readonly protocol: "websocket" | "sse" | "long_poll" | "smee";
  readonly connectedAt: number;
  readonly remoteAddress: string;
  /** Hash of the token, or of the path, it came with. */
  readonly tokenHash: string;
  /** When the connector was last heard, milliseconds since the epoch. */
  heardAt(): number;
  /** What it may hold; where leases outlive connections, with what the ones before hold. */
  readonly window: Window;
  /** Leases outlive the connection until their ack timeout: a long poll ends before it is acknowledged. */
  readonly keepsLeases: boolean;
  /** Its connector may be back in a moment, and says then what it still has: its leases are kept for so long. */
  readonly mayResume?: boolean;
  /** It has not read what it was handed: it gets no more until it is heard again. */
  readonly isBehind?: boolean;
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

/** A subscriber with what it holds and has done. */
export interface Member {
  received: number;
  acked: number;
  nacked: number;
  lastMessageAt: number | undefined;
  readonly subscriber: Subscriber;
  /** The bytes of the messages it holds, by id. */
  readonly leases: Map<string, number>;
  /** What counts against its window: its own, or with what other connections of its connector hold. */
  readonly load: Held;
  /** Its own, and all that its connector holds. */
  readonly held: readonly [own: Held, ofConnector: Held];
  /** Since when it holds messages and has said nothing of any, on the clock that never jumps; undefined: it owes nothing. */
  silentSince: number | undefined;
  isOpen: boolean;
  isDraining: boolean;
}

/** Who polls is here again after so long. */
const betweenPollsMs = 10_000;

/** The connections of a channel: those that are open, and those that have ended and still hold messages. */
export class Members {
  readonly #clock: Clock;
  readonly #onForgotten: (connectionId: string) => void;
  readonly #byId = new Map<string, Member>();
  /** Those that are open, in the order in which they came. */
  readonly #open = new Set<Member>();
  /** By connector id. */
  readonly #held = new Map<string, Held>();

  /** When the last poll was answered, by the clock that never jumps. */
  #polledAt = -Infinity;

  /** `onForgotten` is told of a connection that has ended and holds nothing more. */
  constructor(clock: Clock, onForgotten: (connectionId: string) => void) {
    this.#clock = clock;
    this.#onForgotten = onForgotten;
  }

  get(connectionId: string): Member | undefined {
    return this.#byId.get(connectionId);
  }

  get open(): readonly Member[] {
    return [...this.#open];
  }

  get openCount(): number {
    return this.#open.size;
  }

  /** One is connected, has polled lately, or works on what a poll brought. */
  get areThere(): boolean {
    return this.#byId.size > 0 || this.#clock.monotonic() - this.#polledAt < betweenPollsMs;
  }

  add(subscriber: Subscriber): void {
    const { connectionId, connectorId, keepsLeases } = subscriber;
    const own = { messages: 0, bytes: 0, members: 1 };
    const ofConnector = this.#held.get(connectorId) ?? { messages: 0, bytes: 0, members: 0 };
    ofConnector.members++;
    this.#held.set(connectorId, ofConnector);
    const member: Member = {
      received: 0,
      acked: 0,
      nacked: 0,
      lastMessageAt: undefined,
      subscriber,
      leases: new Map(),
      load: keepsLeases ? ofConnector : own,
      held: [own, ofConnector],
      silentSince: undefined,
      isOpen: true,
      isDraining: false,
    };
    this.#byId.set(connectionId, member);
    this.#open.add(member);
  }

  /** Its connection has ended; it is forgotten when it holds nothing more. */
  close(member: Member): void {
    member.isOpen = false;
    if (member.subscriber.protocol === "long_poll") this.#polledAt = this.#clock.monotonic();
    this.#open.delete(member);
    this.#forgetIfDone(member);
  }

  /** One of them takes a message now. */
  get haveRoom(): boolean {
    for (const member of this.#open) if (takesOne(member)) return true;
    return false;
  }

  /** The one with the fewest unsettled messages of those that take one now. */
  get leastLoaded(): Member | undefined {
    let best: Member | undefined;
    let fewest = Infinity;
    for (const member of this.#open) {
      const { messages } = member.load;
      if (messages >= fewest || !takesOne(member)) continue;
      if (messages === 0) return member;
      best = member;
      fewest = messages;
    }
    return best;
  }

  /** It holds the message from now on. */
  took(member: Member, messageId: string, bytes: number): void {
    member.leases.set(messageId, bytes);
    member.received++;
    member.lastMessageAt = this.#clock.now();
    member.silentSince ??= this.#clock.monotonic();
    count(member, 1, bytes);
  }

  /** What `from` holds is held by `to` from now on, over another connection of the same connector. */
  move(messageId: string, from: Member, to: Member): void {
    const bytes = from.leases.get(messageId);
    if (bytes === undefined || from === to) return;
    this.gave(from, messageId);
    to.leases.set(messageId, bytes);
    count(to, 1, bytes);
  }

  /** It said something of a message. */
  heard(member: Member): void {
    member.silentSince = member.leases.size > 0 ? this.#clock.monotonic() : undefined;
  }

  /** For how long it has held messages and said nothing of any. */
  silentMs({ silentSince }: Member): number {
    return silentSince === undefined ? 0 : this.#clock.monotonic() - silentSince;
  }

  /** It no longer holds the message. */
  gave(member: Member, messageId: string): void {
    const bytes = member.leases.get(messageId);
    if (bytes !== undefined) {
      member.leases.delete(messageId);
      count(member, -1, -bytes);
    }
    this.#forgetIfDone(member);
  }

  #forgetIfDone({ isOpen, leases, subscriber, held: [, ofConnector] }: Member): void {
    const { connectionId, connectorId } = subscriber;
    if (isOpen || leases.size > 0 || !this.#byId.delete(connectionId)) return;
    if (--ofConnector.members === 0) this.#held.delete(connectorId);
    this.#onForgotten(connectionId);
  }
}

function takesOne({ isDraining, load, subscriber }: Member): boolean {
  const { window } = subscriber;
  return load.messages < window.messages && load.bytes < window.bytes && !isDraining &&
    !subscriber.isBehind;
}

function count({ held }: Member, messages: 1 | -1, bytes: number): void {
  for (const one of held) {
    one.messages += messages;
    one.bytes += bytes;
  }
}
