import { AgedMap } from "../async/aged_map.ts";
import type { ConnectorEvent } from "./events.ts";

type Failed = "rejected" | "exhausted" | "abandoned" | "deferred";

/** Failures that are remembered for that. */
const maxFailures = 1_000;

/** What a connector has done up to now. */
export function foldTotals() {
  const totals = {
    received: 0,
    /** Of these, copies of a message that is here or was delivered: nothing else is counted of them. */
    duplicates: 0,
    /** This and what follows of messages the relay sent; what is sent again by hand is in `replays`. */
    delivered: 0,
    rejected: 0,
    exhausted: 0,
    abandoned: 0,
    deferred: 0,
    dead_lettered: 0,
    retried: 0,
    acked: 0,
    nacked: 0,
    replays: { delivered: 0, failed: 0 },
  };
  /** How messages failed, by id and target. That it was a replay is told after it. */
  const failures = new AgedMap<Failed>();

  function observe(event: ConnectorEvent): void {
    switch (event.type) {
      // Those of every webhook first: V8 compares one after the other.
      case "delivery.received":
        totals.received++;
        break;
      case "delivery.succeeded":
        totals.delivered++;
        break;
      case "settlement.confirmed":
        totals[event.verdict === "ack" ? "acked" : "nacked"]++;
        break;
      case "delivery.duplicate":
        totals.duplicates++;
        break;
      case "delivery.retrying":
        totals.retried++;
        break;
      case "delivery.failed":
        failed(event, event.outcome);
        break;
      case "delivery.deferred":
        failed(event, "deferred");
        break;
      case "dead_letter.stored":
        totals.dead_lettered++;
        break;
      case "dead_letter.replayed":
      case "delivery.replayed":
        replayed(event);
        break;
    }
  }

  function failed(event: { messageId: string; target?: string }, how: Failed): void {
    totals[how]++;
    failures.set(keyOf(event), how);
    failures.forgetOldest(maxFailures);
  }

  function replayed(
    event: { messageId: string; target: string; delivered: boolean },
  ): void {
    const how = event.delivered ? "delivered" : failures.get(keyOf(event));
    if (how) totals[how]--;
    totals.replays[event.delivered ? "delivered" : "failed"]++;
  }

  return { observe, totals };
}

function keyOf({ messageId, target = "" }: { messageId: string; target?: string }): string {
  return `${messageId} ${target}`;
}
