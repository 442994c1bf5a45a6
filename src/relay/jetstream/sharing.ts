import type { Clock } from "../../async/clock.ts";
import type { Settlement } from "../../protocol/frames.ts";
import type { Reader, SettleOutcome, SharedStore, Statistics } from "../store.ts";
import type { NatsServer } from "./connection.ts";
import type { Figures } from "./figures.ts";
import type { InHand } from "./in_hand.ts";
import type { LaneConsumers } from "./lane_consumers.ts";
import type { Peers } from "./peers.ts";
import type { Turns } from "./turns.ts";

/** Between looks for what no relay told of: the leases of one that died. */
const sweepMs = 2_000;
/** Every so many of them: for lanes that no relay told of. */
const sweepsOfLanes = 15;

export interface SharingOptions {
  readonly server: NatsServer;
  readonly clock: Clock;
  readonly consumers: LaneConsumers;
  readonly turns: Turns;
  readonly peers: Peers;
  readonly hand: InHand;
  readonly figures: Figures;
}

/** A channel that other relays serve too: what is asked of them, answered to them, and found out without them. */
export class Sharing implements SharedStore {
  readonly #options: SharingOptions;
  #reader: Reader | undefined;
  #cancelSweep = () => {};

  constructor(options: SharingOptions) {
    this.#options = options;
  }

  attach(reader: Reader): void {
    this.#reader = reader;
    const { turns, peers, hand } = this.#options;
    peers.listen({
      woken: (lane) => {
        turns.promise(lane);
        reader.wake();
      },
      settle: (settlement, connectorId) =>
        hand.lease(settlement.messageId) && reader.settle(settlement, connectorId),
      extend: (messageIds, connectorId) => {
        const here = messageIds.filter((id) => hand.lease(id));
        return here.length > 0 ? reader.extend(here, connectorId) : undefined;
      },
      held: (expiredAt) => hand.expiredAt(expiredAt),
    });
    this.#sweep(reader, 0);
  }

  /** Something may be ready here. */
  wakeReader(): void {
    this.#reader?.wake();
  }

  settleElsewhere(
    settlement: Settlement,
    connectorId: string,
  ): Promise<SettleOutcome | undefined> {
    return this.#options.peers.settle(settlement, connectorId);
  }

  extendElsewhere(messageIds: readonly string[], connectorId: string): Promise<number> {
    return this.#options.peers.extend(messageIds, connectorId);
  }

  async refresh(which: Statistics): Promise<void> {
    const { server, consumers, figures } = this.#options;
    await server.attempt("read the statistics", async () => {
      await consumers.find();
      await figures.refresh(which);
    });
  }

  close(): void {
    this.#cancelSweep();
    this.#options.peers.close();
  }

  #sweep(reader: Reader, before: number): void {
    const { clock, consumers, turns } = this.#options;
    let sweeps = before;
    if (reader.hasRoom) {
      if (sweeps++ % sweepsOfLanes === 0) void this.#findLanes();
      for (const lane of consumers.all) turns.add(lane);
      reader.wake();
    }
    this.#cancelSweep = clock.after(sweepMs, () => this.#sweep(reader, sweeps));
  }

  async #findLanes(): Promise<void> {
    const { server, consumers } = this.#options;
    // It is tried again; what is wrong shows in the server's `problem`.
    await server.attempt("find the lanes", () => consumers.find()).catch(() => {});
  }
}
