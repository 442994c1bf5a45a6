import type { Clock } from "../async/clock.ts";
import { Deadlines, type Due } from "../async/deadlines.ts";
import { type About, about } from "../protocol/about.ts";
import { closeCodes } from "../protocol/close_codes.ts";
import type { Settlement } from "../protocol/frames.ts";
import type { ChannelSettings } from "./channel_settings.ts";
import { LateAcks } from "./late_acks.ts";
import type { Member, Members } from "./members.ts";
import type { ObserveRelay } from "./relay_events.ts";
import type { SettleOutcome, Store, StoredMessage } from "./store.ts";

/** A message with the connector it was given to. */
interface Handed {
  readonly message: StoredMessage;
  readonly connectorId: string;
}

/** It ends with the ack timeout. */
interface Lease extends Handed, Due {
  readonly member: Member;
}

type Nack = Extract<Settlement, { verdict: "nack" }>;

/** A nack without a delay of its own waits this long, doubled with every delivery up to the cap. */
const nackBaseMs = 1_000;
const nackCapMs = 60_000;
/** What a connector gave back untried waits this long, unless it says otherwise. */
const untriedDelayMs = 1_000;
/** A stream that cannot be asked whether it lives is ended after so many ack timeouts in which it settles nothing. */
const silentTimeouts = 3;

export interface LeasesOptions {
  readonly settings: ChannelSettings;
  readonly store: Store;
  readonly members: Members;
  readonly clock: Clock;
  readonly observe: ObserveRelay;
  /** Leases have ended: something may be ready, or somebody may have room. */
  readonly onEnded: () => void;
  /** The store failed; throws what is no failure of the store. */
  readonly onFailed: (error: unknown) => void;
}

/**
 * Who holds which message. A lease ends by its settlement, with the ack timeout, or with its connection; then the
 * message is gone, given out again, or with the dead letters.
 */
export class Leases {
  readonly #options: LeasesOptions;
  readonly #byId = new Map<string, Lease>();
  readonly #timeouts: Deadlines<Lease>;
  readonly #lateAcks: LateAcks;

  constructor(options: LeasesOptions) {
    this.#options = options;
    const { settings, clock } = options;
    this.#timeouts = new Deadlines(settings.ackTimeoutMs, clock, (lease) => this.#expired(lease));
    this.#lateAcks = new LateAcks(options.settings.maxMessages);
  }

  begin(message: StoredMessage, member: Member): void {
    const { members, observe, settings } = this.#options;
    const { envelope, deliveries } = message;
    const { connectorId, connectionId } = member.subscriber;
    const lease: Lease = {
      ...{ message, connectorId, member, endsAt: 0 },
      older: undefined,
      newer: undefined,
    };
    this.#timeouts.begin(lease);
    this.#byId.set(envelope.id, lease);
    members.took(member, envelope.id, envelope.body.byteLength);
    this.#lateAcks.forget(envelope.id);
    observe({
      type: "relay.handed_out",
      channel: settings.name,
      ...about(envelope),
      connectionId,
      delivery: deliveries,
    });
  }

  /** What `Channel.settle` promises. */
  async settle(settlement: Settlement, connectorId: string): Promise<SettleOutcome> {
    try {
      const outcome = await this.#settle(settlement, connectorId);
      if (outcome === "settled") this.#options.onEnded();
      return outcome;
    } catch (error) {
      this.#options.onFailed(error);
      return "unavailable";
    }
  }

  /** What `Channel.extend` promises. */
  async extend(messageIds: readonly string[], connectorId: string): Promise<number> {
    const { store: { shared }, onFailed } = this.#options;
    try {
      const elsewhere = messageIds.filter((id) => !this.#byId.has(id));
      const counts = await Promise.all([
        ...messageIds.map((id) => this.#extend(id, connectorId)),
        elsewhere.length > 0 ? shared?.extendElsewhere(elsewhere, connectorId) ?? 0 : 0,
      ]);
      return counts.reduce((sum, count) => sum + count, 0);
    } catch (error) {
      onFailed(error);
      return 0;
    }
  }

  /** Messages that a member had when its connection ended: each is ready again at once. */
  giveBack(member: Member, messageIds: readonly string[]): void {
    const { store, clock, onEnded } = this.#options;
    const { connectorId } = member.subscriber;
    const now = clock.monotonic();
    for (const id of messageIds) {
      if (this.#byId.get(id)?.member !== member) continue;
      this.#end(id);
      this.#lateAcks.expect(id, connectorId, now);
      // Not counted: ten reconnects say nothing against a message.
      void store.release(id, 0);
    }
    onEnded();
  }

  /** None expires any more; who holds what is for the store to find out. */
  stop(): void {
    this.#timeouts.stop();
  }

  async #settle(settlement: Settlement, connectorId: string): Promise<SettleOutcome> {
    const { store, members } = this.#options;
    const id = settlement.messageId;
    const lease = this.#byId.get(id);
    if (!lease) return await this.#settleLately(settlement, connectorId);
    if (lease.connectorId !== connectorId) return "unknown";
    this.#end(id);
    members.heard(lease.member);
    if (settlement.verdict === "nack") {
      lease.member.nacked++;
      await this.#nack(lease, settlement);
    } else {
      lease.member.acked++;
      await store.ack(id);
      this.#acked(about(lease.message.envelope));
    }
    return "settled";
  }

  async #nack(lease: Lease, { messageId, retry, attempted, delayMs, reason }: Nack): Promise<void> {
    const { settings, observe, store, clock } = this.#options;
    if (!retry) return await this.#bury(lease, reason ?? "rejected by the connector");
    observe({ type: "relay.nacked", channel: settings.name, ...about(lease.message.envelope) });
    if (attempted !== false) return await this.#giveOutAgain(lease, delayMs, reason ?? "nacked");
    const { connectorId } = lease;
    const why = reason === undefined ? undefined : { at: clock.now(), connectorId, reason };
    await store.release(messageId, this.#atMostTtl(delayMs ?? untriedDelayMs), why, false);
  }

  /** The message was given back when its connection ended, but its ack was on its way: take it, if nobody has it. */
  async #settleLately(settlement: Settlement, connectorId: string): Promise<SettleOutcome> {
    const { store, clock } = this.#options;
    const { shared } = store;
    const id = settlement.messageId;
    const isLate = this.#lateAcks.isExpected(id, connectorId, clock.monotonic());
    if (!isLate) {
      const elsewhere = await shared?.settleElsewhere(settlement, connectorId);
      if (elsewhere) return elsewhere;
    }
    // Where relays share a store the one that handed it out may be gone: its connector knows what it got.
    if (settlement.verdict !== "ack" || !(isLate || shared)) return "unknown";
    if (!await store.claim(id)) return "unknown";
    this.#lateAcks.forget(id);
    this.#acked({ messageId: id });
    return "settled";
  }

  async #extend(id: string, connectorId: string): Promise<0 | 1> {
    const { store, members, observe, settings } = this.#options;
    const lease = this.#byId.get(id);
    if (lease?.connectorId !== connectorId || !await store.extend(id)) return 0;
    if (this.#byId.get(id) !== lease) return 0; // it ended meanwhile
    members.heard(lease.member);
    this.#timeouts.end(lease);
    this.#timeouts.begin(lease);
    const which = about(lease.message.envelope);
    observe({ type: "relay.lease_extended", channel: settings.name, ...which });
    return 1;
  }

  #end(id: string): void {
    const lease = this.#byId.get(id);
    if (!lease) return;
    this.#byId.delete(id);
    this.#timeouts.end(lease);
    this.#options.members.gave(lease.member, id);
  }

  #expired(lease: Lease): void {
    const { settings, observe, onEnded, onFailed } = this.#options;
    const which = about(lease.message.envelope);
    this.#end(which.messageId);
    observe({ type: "relay.lease_expired", channel: settings.name, ...which });
    this.#endIfSilent(lease.member);
    this.#giveOutAgain(lease, 0, "not acknowledged in time").catch(onFailed).then(onEnded);
  }

  /** A WebSocket answers heartbeats and a poll ends by itself; of an event stream that nobody reads nothing tells. */
  #endIfSilent(member: Member): void {
    const { settings, members } = this.#options;
    const { subscriber, isOpen } = member;
    const { protocol } = subscriber;
    if (protocol !== "sse" && protocol !== "smee") return;
    if (!isOpen || members.silentMs(member) < silentTimeouts * settings.ackTimeoutMs) return;
    subscriber.disconnect(closeCodes.evicted, "nothing was settled");
  }

  #acked(which: Pick<About, "messageId"> & Partial<About>): void {
    const { observe, settings } = this.#options;
    observe({ type: "relay.acked", channel: settings.name, ...which });
  }

  async #giveOutAgain(handed: Handed, delayMs: number | undefined, reason: string): Promise<void> {
    const { settings, store, clock } = this.#options;
    const { message: { envelope: { id }, deliveries }, connectorId } = handed;
    if (deliveries >= settings.maxDeliveries) {
      return await this.#bury(handed, `given up after ${deliveries} deliveries: ${reason}`);
    }
    const growing = Math.min(nackCapMs, nackBaseMs * 2 ** Math.min(deliveries - 1, 16));
    const why = { at: clock.now(), connectorId, reason };
    await store.release(id, this.#atMostTtl(delayMs ?? growing), why);
  }

  async #bury({ message, connectorId }: Handed, reason: string): Promise<void> {
    const { settings, store, clock, observe } = this.#options;
    const which = about(message.envelope);
    await store.bury(which.messageId, { at: clock.now(), connectorId, reason });
    observe({ type: "relay.dead_lettered", channel: settings.name, ...which, reason });
  }

  #atMostTtl(delayMs: number): number {
    return Math.min(delayMs, this.#options.settings.ttlMs);
  }
}
