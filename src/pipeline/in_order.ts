import { onAbort } from "../async/abort.ts";
import type { Envelope, Lifetime, Outcome, Reason } from "../flow.ts";
import type { Observe } from "../observe/events.ts";
import { keyOf, type Ordering } from "../protocol/ordering.ts";
import { about } from "../protocol/about.ts";
import type { Handle } from "./handle.ts";

export interface OrderOptions {
  readonly ordering: Ordering;
  /** Messages of one key that wait; those beyond go back to the relay untried. */
  readonly maxLaneMessages: number;
  readonly observe: Observe;
}

/** Those of one key that wait behind the one that is being handled. */
interface Lane {
  readonly waiting: Set<(turn: Turn) => void>;
}

/** `go`: it is this one's turn. Otherwise the message is to be given back. */
type Turn = "go" | Extract<Outcome, { kind: "deferred" | "abandoned" }>;

/** How long the relay is to keep what a full lane gives back, milliseconds. */
const fullLaneDelayMs = 5_000;

/**
 * One message of a key at a time, in the order in which they came; keys side by side. When a message goes back
 * to the relay, so do those of its key that wait behind it: none of them is to overtake it. One that finds its lane full
 * goes back alone, and those that come later may: in order is then what the relay gives out in order (RELAY.md).
 */
export function inOrder(handle: Handle, options: OrderOptions): Handle {
  const { ordering, maxLaneMessages, observe } = options;
  if (ordering.kind === "none") return handle;
  const laneOf = laneRule(ordering);
  const lanes = new Map<string, Lane>();

  return async (envelope, life) => {
    const key = laneOf(envelope);
    if (key === undefined) return await handle(envelope, life);
    const turn = await myTurn(key, life);
    if (turn !== "go") {
      const { reason, delayMs = 0 } = turn;
      observe({ type: "delivery.deferred", ...about(envelope), reason, delayMs });
      return turn;
    }
    const outcome = await handle(envelope, life);
    pass(key, outcome);
    return outcome;
  };

  function myTurn(key: string, life: Lifetime): Promise<Turn> {
    const lane = lanes.get(key);
    if (!lane) {
      lanes.set(key, { waiting: new Set() });
      return Promise.resolve("go");
    }
    if (lane.waiting.size >= maxLaneMessages) {
      const message = `${maxLaneMessages} messages of the key ${JSON.stringify(key)} wait already`;
      const reason: Reason = { code: "lane_blocked", message };
      return Promise.resolve({ kind: "deferred", reason, delayMs: fullLaneDelayMs });
    }
    return new Promise((resolve) => {
      let undo = () => {};
      const decide = (turn: Turn) => {
        undo();
        lane.waiting.delete(decide);
        resolve(turn);
      };
      lane.waiting.add(decide);
      const reason: Reason = { code: "shutdown", message: "the connector is stopping" };
      undo = onAbort(
        life.abort,
        () => decide({ kind: "abandoned", reason, attempted: false }),
      );
    });
  }

  function pass(key: string, outcome: Outcome): void {
    const lane = lanes.get(key);
    if (!lane) return;
    if (outcome.kind !== "delivered" && outcome.kind !== "rejected") {
      const message = `the message of the key ${JSON.stringify(key)} before it went back`;
      const reason: Reason = { code: "lane_blocked", message };
      const turn: Turn = outcome.kind === "abandoned"
        ? { ...outcome, reason, attempted: false }
        : { kind: "deferred", reason, delayMs: outcome.delayMs };
      for (const decide of [...lane.waiting]) decide(turn);
    }
    const [next] = lane.waiting;
    if (next) next("go");
    else lanes.delete(key);
  }
}

/** The lane of a message; undefined when it is in no order. */
function laneRule(ordering: Ordering): (envelope: Envelope) => string | undefined {
  return ordering.kind === "key" ? (envelope) => keyOf(ordering, envelope) : () => "";
}
