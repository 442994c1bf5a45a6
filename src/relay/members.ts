import type { Clock } from "../async/clock.ts";
import type { Envelope } from "../protocol/envelope.ts";

/** How much may be held unsettled: nothing more is handed out from either on. */
export interface Window {
  readonly messages: number;
  /** Of their bodies. */
  readonly bytes: number;
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
  /** All of them. */
  leasedBytes: number;
  /** Since when it holds messages and has said nothing of any, on the clock that never jumps; undefined: it owes nothing. */
  silentSince: number | undefined;
  isOpen: boolean;
  isDraining: boolean;
}

const nothing: Window = { messages: 0, bytes: 0 };

/** The connections of a channel: those that are open, and those that have ended and still hold messages. */
export class Members {
  readonly #clock: Clock;
  readonly #byId = new Map<string, Member>();
  /** What is unsettled, by connector id. */
  readonly #held = new Map<string, Window>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get(connectionId: string): Member | undefined {
    return this.#byId.get(connectionId);
  }

  get open(): readonly Member[] {
    return [...this.#byId.values()].filter(({ isOpen }) => isOpen);
  }

  add(subscriber: Subscriber): void {
    this.#byId.set(subscriber.connectionId, {
      received: 0,
      acked: 0,
      nacked: 0,
      lastMessageAt: undefined,
      subscriber,
      leases: new Map(),
      leasedBytes: 0,
      silentSince: undefined,
      isOpen: true,
      isDraining: false,
    });
  }

  /** Its connection has ended; it is forgotten when it holds nothing more. */
  close(member: Member): void {
    member.isOpen = false;
    this.#forgetIfDone(member);
  }

  /** The one with the fewest unsettled messages of those that take one now. */
  get leastLoaded(): Member | undefined {
    let best: Member | undefined;
    let fewest = Infinity;
    for (const member of this.#byId.values()) {
      if (!member.isOpen || member.isDraining || member.subscriber.isBehind) continue;
      const { window } = member.subscriber;
      const { messages, bytes } = this.#load(member);
      if (messages >= window.messages || bytes >= window.bytes || messages >= fewest) continue;
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
    this.#countHeld(member, 1, bytes);
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
      this.#countHeld(member, -1, -bytes);
    }
    this.#forgetIfDone(member);
  }

  #forgetIfDone({ isOpen, leases, subscriber }: Member): void {
    if (!isOpen && leases.size === 0) this.#byId.delete(subscriber.connectionId);
  }

  #load({ subscriber, leases, leasedBytes }: Member): Window {
    if (!subscriber.keepsLeases) return { messages: leases.size, bytes: leasedBytes };
    return this.#held.get(subscriber.connectorId) ?? nothing;
  }

  #countHeld(member: Member, more: 1 | -1, moreBytes: number): void {
    member.leasedBytes += moreBytes;
    const { connectorId } = member.subscriber;
    const { messages, bytes } = this.#held.get(connectorId) ?? nothing;
    if (messages + more === 0) this.#held.delete(connectorId);
    else this.#held.set(connectorId, { messages: messages + more, bytes: bytes + moreBytes });
  }
}
