import { AgedMap } from "../async/aged_map.ts";
import type { ConnectorEvent, Observe } from "./events.ts";

/** Messages remembered; the oldest is forgotten. */
const maxMessages = 10_000;

/** Adds to the settlement of a message what its receipt told of it: webhook id and trace. */
export function withContext(pass: (event: ConnectorEvent) => void): Observe {
  const known = new AgedMap<{ readonly webhookId: string; readonly traceId?: string }>();

  return (event) => {
    if (event.type === "settlement.confirmed") {
      // Not forgotten with that: a copy that came meanwhile is settled for itself.
      return pass({ ...event, ...known.get(event.messageId) });
    }
    if (event.type === "delivery.received") {
      const { messageId, webhookId, traceId } = event;
      known.set(messageId, { webhookId, ...(traceId !== undefined && { traceId }) });
      known.forgetOldest(maxMessages);
    }
    pass(event);
  };
}
