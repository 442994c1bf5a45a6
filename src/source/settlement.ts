import type { Outcome, Settlement } from "../flow.ts";

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
      return {
        messageId,
        connectionId,
        verdict: "nack",
        retry: false,
        reason: outcome.reason.message,
      };
    case "exhausted":
    case "abandoned":
      return {
        messageId,
        connectionId,
        verdict: "nack",
        retry: true,
        reason: outcome.reason.message,
      };
  }
}
