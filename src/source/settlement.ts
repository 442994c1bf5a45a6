import type { Outcome, Reason, Settlement } from "../flow.ts";

/** What the relay is told for an outcome. */
export function settlementOf(
  messageId: string,
  connectionId: string,
  outcome: Outcome,
): Settlement {
  switch (outcome.kind) {
    case "delivered":
      return { messageId, connectionId, verdict: "ack" };
    case "rejected":
      return { ...nack(outcome.reason), retry: false };
    case "exhausted":
      return { ...nack(outcome.reason), retry: true, ...delayOf(outcome) };
    case "deferred":
      return { ...nack(outcome.reason), retry: true, ...delayOf(outcome), attempted: false };
    case "abandoned": {
      const untried = outcome.attempted ? {} : { attempted: false };
      return { ...nack(outcome.reason), retry: true, ...delayOf(outcome), ...untried };
    }
  }

  function nack({ message }: Reason) {
    return { messageId, connectionId, verdict: "nack", reason: message } as const;
  }
}

function delayOf({ delayMs }: { readonly delayMs?: number }): { readonly delayMs?: number } {
  return delayMs === undefined ? {} : { delayMs: Math.ceil(delayMs) };
}
