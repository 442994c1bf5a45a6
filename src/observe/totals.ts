import type { ConnectorEvent } from "./events.ts";

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

  function observe(event: ConnectorEvent): void {
    switch (event.type) {
      // Those of every webhook first: V8 compares one after the other.
      case "delivery.received":
        totals.received++;
        break;
      case "delivery.succeeded":
        if (!event.replay) totals.delivered++;
        break;
      case "settlement.confirmed":
        totals[event.verdict === "ack" ? "acked" : "nacked"]++;
        break;
      case "delivery.duplicate":
        totals.duplicates++;
        break;
      case "delivery.retrying":
        if (!event.replay) totals.retried++;
        break;
      case "delivery.failed":
        if (!event.replay) totals[event.outcome]++;
        break;
      case "delivery.deferred":
        if (!event.replay) totals.deferred++;
        break;
      case "dead_letter.stored":
        totals.dead_lettered++;
        break;
      case "dead_letter.replayed":
      case "delivery.replayed":
        totals.replays[event.delivered ? "delivered" : "failed"]++;
        break;
    }
  }

  return { observe, totals };
}
