import type { Envelope } from "../protocol/envelope.ts";

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

/** A subscriber with what it holds and has done. */
export interface Member {
  received: number;
  acked: number;
  nacked: number;
  lastMessageAt: number | undefined;
  readonly subscriber: Subscriber;
  /** Ids of the messages it holds. */
  readonly leases: Set<string>;
  /** Since when it holds messages and has said nothing of any; undefined when it owes nothing. */
  silentSince: number | undefined;
  isOpen: boolean;
  isDraining: boolean;
}

/** The connections of a channel: those that are open, and those that have ended and still hold messages. */
export class Members {
  readonly #byId = new Map<string, Member>();
  /** Unsettled messages by connector id. */
  readonly #held = new Map<string, number>();

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
      leases: new Set(),
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
    for (const member of this.#byId.values()) {
      if (!member.isOpen || member.isDraining) continue;
      if (this.#load(member) >= member.subscriber.window) continue;
      if (!best || this.#load(member) < this.#load(best)) best = member;
    }
    return best;
  }

  /** It holds the message from now on. */
  took(member: Member, messageId: string, now: number): void {
    member.leases.add(messageId);
    member.received++;
    member.lastMessageAt = now;
    member.silentSince ??= now;
    this.#countHeld(member, 1);
  }

  /** It said something of a message. */
  heard(member: Member, now: number): void {
    member.silentSince = member.leases.size > 0 ? now : undefined;
  }

  /** It no longer holds the message. */
  gave(member: Member, messageId: string): void {
    if (member.leases.delete(messageId)) this.#countHeld(member, -1);
    this.#forgetIfDone(member);
  }

  #forgetIfDone({ isOpen, leases, subscriber }: Member): void {
    if (!isOpen && leases.size === 0) this.#byId.delete(subscriber.connectionId);
  }

  #load({ subscriber, leases }: Member): number {
    return subscriber.keepsLeases ? this.#held.get(subscriber.connectorId) ?? 0 : leases.size;
  }

  #countHeld({ subscriber: { connectorId } }: Member, change: 1 | -1): void {
    const held = (this.#held.get(connectorId) ?? 0) + change;
    if (held === 0) this.#held.delete(connectorId);
    else this.#held.set(connectorId, held);
  }
}
