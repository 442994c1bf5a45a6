import type { Clock } from "../async/clock.ts";
import { Deadlines, type Due } from "../async/deadlines.ts";
import { about } from "../protocol/about.ts";
import { closeCodes } from "../protocol/close_codes.ts";
import type { Settlement } from "../protocol/frames.ts";
import { resumeMs } from "../protocol/limits.ts";
import type { ChannelSettings } from "./channel_settings.ts";
import { LateAcks } from "./late_acks.ts";
import type { Member, Members } from "./members.ts";
import type { ObserveRelay } from "./relay_events.ts";
import type { SettleOutcome, Store, StoredMessage } from "./store.ts";
import { type Handed, Verdicts } from "./verdicts.ts";

interface Lease extends Handed, Due {
  member: Member;
  /** Where its end is waited for. */
  deadlines: Deadlines<Lease>;
}

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
 * Who holds which message. A lease ends by its settlement, with the ack timeout, or with its connection: at once, or when its
 * connector, which may be back, has been away for ten seconds.
 */
export class Leases {
  readonly #options: LeasesOptions;
  readonly #byId = new Map<string, Lease>();
  readonly #timeouts: Deadlines<Lease>;
  /** Leases of connectors that may be back in a moment. */
  readonly #kept: Deadlines<Lease>;
  readonly #lateAcks: LateAcks;
  readonly #verdicts: Verdicts;

  constructor(options: LeasesOptions) {
    this.#options = options;
    const { settings, clock } = options;
    const { ackTimeoutMs } = settings;
    this.#timeouts = new Deadlines(ackTimeoutMs, clock, (lease) => this.#expired(lease));
    const keptMs = Math.min(resumeMs, ackTimeoutMs);
    this.#kept = new Deadlines(keptMs, clock, (lease) => this.#giveBack([lease]));
    this.#lateAcks = new LateAcks(settings.maxMessages);
    this.#verdicts = new Verdicts(options);
  }

  begin(message: StoredMessage, member: Member): void {
    const { members, observe, settings } = this.#options;
    const { envelope, deliveries } = message;
    const { connectorId, connectionId } = member.subscriber;
    const lease: Lease = {
      ...{ message, connectorId, member, deadlines: this.#timeouts, endsAt: 0 },
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

  /** What `Channel.extend` promises; `by` is the connection that says so, `isAll` that its connector has nothing else. */
  async extend(
    messageIds: readonly string[],
    connectorId: string,
    by?: Member,
    isAll = false,
  ): Promise<number> {
    const { store: { shared }, onFailed } = this.#options;
    const heir = by?.subscriber.connectorId === connectorId ? by : undefined;
    if (heir?.isOpen && isAll) this.#letGo(connectorId, new Set(messageIds));
    try {
      const elsewhere = messageIds.filter((id) => !this.#byId.has(id));
      const counts = await Promise.all([
        ...messageIds.map((id) => this.#extend(id, connectorId, heir)),
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
    this.#giveBack(this.#heldBy(member, messageIds));
  }

  /** The member's connection has ended. What it had stays its connector's until that is back, or does not come. */
  keep(member: Member): void {
    for (const lease of this.#heldBy(member, [...member.leases.keys()])) {
      lease.deadlines.end(lease);
      lease.deadlines = this.#kept;
      this.#kept.begin(lease);
    }
    this.#options.onEnded();
  }

  /** None expires any more; who holds what is for the store to find out. */
  stop(): void {
    this.#timeouts.stop();
    this.#kept.stop();
  }

  async #settle(settlement: Settlement, connectorId: string): Promise<SettleOutcome> {
    const { members } = this.#options;
    const id = settlement.messageId;
    const lease = this.#byId.get(id);
    if (!lease) return await this.#settleLately(settlement, connectorId);
    if (lease.connectorId !== connectorId) return "unknown";
    this.#end(id);
    members.heard(lease.member);
    if (settlement.verdict === "nack") {
      lease.member.nacked++;
      await this.#verdicts.nack(lease, settlement);
    } else {
      lease.member.acked++;
      await this.#verdicts.ack(lease);
    }
    return "settled";
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
    this.#verdicts.acked({ messageId: id });
    return "settled";
  }

  /** What the connector had when it was last seen, and has no more. */
  #letGo(connectorId: string, has: ReadonlySet<string>): void {
    const gone = [...this.#byId].flatMap(([id, lease]) =>
      lease.connectorId === connectorId && lease.deadlines === this.#kept && !has.has(id)
        ? [lease]
        : []
    );
    if (gone.length > 0) this.#giveBack(gone);
  }

  #heldBy(member: Member, messageIds: readonly string[]): Lease[] {
    return messageIds.flatMap((id) => {
      const lease = this.#byId.get(id);
      return lease?.member === member ? [lease] : [];
    });
  }

  #giveBack(leases: readonly Lease[]): void {
    const { clock, onEnded } = this.#options;
    const now = clock.monotonic();
    for (const lease of leases) {
      const { id } = lease.message.envelope;
      this.#end(id);
      this.#lateAcks.expect(id, lease.connectorId, now);
      this.#verdicts.givenBack(lease);
    }
    onEnded();
  }

  async #extend(id: string, connectorId: string, heir: Member | undefined): Promise<0 | 1> {
    const { store, members, observe, settings } = this.#options;
    const lease = this.#byId.get(id);
    if (lease?.connectorId !== connectorId || !await store.extend(id)) return 0;
    if (this.#byId.get(id) !== lease) return 0; // it ended meanwhile
    if (heir?.isOpen) {
      members.move(id, lease.member, heir);
      lease.member = heir;
    }
    members.heard(lease.member);
    lease.deadlines.end(lease);
    lease.deadlines = this.#timeouts;
    this.#timeouts.begin(lease);
    const which = about(lease.message.envelope);
    observe({ type: "relay.lease_extended", channel: settings.name, ...which });
    return 1;
  }

  #end(id: string): void {
    const lease = this.#byId.get(id);
    if (!lease) return;
    this.#byId.delete(id);
    lease.deadlines.end(lease);
    this.#options.members.gave(lease.member, id);
  }

  #expired(lease: Lease): void {
    const { settings, observe, onEnded, onFailed } = this.#options;
    const which = about(lease.message.envelope);
    this.#end(which.messageId);
    observe({ type: "relay.lease_expired", channel: settings.name, ...which });
    this.#endIfSilent(lease.member);
    this.#verdicts.expired(lease).catch(onFailed).then(onEnded);
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
}
