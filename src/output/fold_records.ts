import { AgedMap } from "../async/aged_map.ts";
import type { ConnectorEvent, Observe } from "../observe/events.ts";
import type { Told } from "./record.ts";

interface Known {
  readonly webhookId: string;
  readonly method: string;
  readonly path: string;
  readonly bytes: number;
  readonly lagMs: number;
}

/** Messages whose receipt is remembered; more than can be in hand as configured by default. */
const maxKnown = 10_000;

/** Tells what happens as records. */
export function foldRecords(tell: (told: Told) => void): Observe {
  const known = new AgedMap<Known>();

  return (event) => {
    switch (event.type) {
      case "status.listening":
        return tell({ type: "status", url: event.url });
      case "stream.connected":
        return tell(connection("connected", event));
      case "stream.disconnected":
        return tell(connection("disconnected", event, event.reason));
      case "stream.failed":
        return tell(connection("waiting", event, event.message, event.retryInMs));
      case "connector.paused":
        return tell({ type: "intake", state: "paused" });
      case "connector.resumed":
        return tell({ type: "intake", state: "resumed" });
      case "delivery.received":
        return remember(event);
      case "delivery.duplicate":
        if (event.state === "finished") known.delete(event.messageId);
        return;
      case "delivery.retrying":
        return tell({
          type: "retry",
          ...about(event),
          target: event.target,
          attempt: event.attempt,
          reason: event.reason.message,
          retry_in_ms: Math.round(event.delayMs),
        });
      case "delivery.succeeded":
        return tell(ended(event, "delivered", event));
      case "delivery.failed":
        return tell(
          ended(event, event.outcome, {
            status: event.reason.status,
            attempts: event.attempts,
            reason: event.reason.message,
          }),
        );
      case "delivery.deferred":
        return tell(ended(event, "deferred", { reason: event.reason.message }));
      case "settlement.confirmed":
        tell({ type: "settled", ...about(event), verdict: event.verdict });
        known.delete(event.messageId);
    }
  };

  function remember(event: Extract<ConnectorEvent, { type: "delivery.received" }>): void {
    const { messageId, webhookId, method, path, bytes, lagMs } = event;
    known.set(messageId, { webhookId, method, path, bytes, lagMs });
    known.forgetOldest(maxKnown);
  }

  function about({ messageId, webhookId }: { messageId: string; webhookId?: string }) {
    const { method = null, path = null, webhookId: id = null } = known.get(messageId) ?? {};
    return { message_id: messageId, webhook_id: webhookId ?? id, method, path };
  }

  function ended(event: Ended, outcome: Outcome, how: How): Told {
    const before = known.get(event.messageId);
    return {
      type: "message",
      message_id: event.messageId,
      webhook_id: event.webhookId,
      method: before?.method ?? null,
      path: before?.path ?? null,
      trace_id: event.traceId ?? null,
      target: event.target ?? null,
      status: how.status ?? null,
      attempts: how.attempts ?? 0,
      duration_ms: how.durationMs ?? null,
      lag_ms: before?.lagMs ?? null,
      bytes: before?.bytes ?? null,
      reason: how.reason ?? null,
      outcome,
    };
  }
}

/** Of a message that is over, for now or for good. */
interface Ended {
  readonly messageId: string;
  readonly webhookId: string;
  readonly traceId?: string;
  readonly target?: string;
}

type Outcome = Extract<Told, { type: "message" }>["outcome"];

/** What is known of how it ended. */
interface How {
  readonly status?: number | undefined;
  readonly attempts?: number;
  readonly durationMs?: number;
  readonly reason?: string;
}

function connection(
  state: "connected" | "disconnected" | "waiting",
  { transport }: { readonly transport: "websocket" | "sse" | "long_poll" | "smee" },
  reason: string | null = null,
  retryInMs: number | null = null,
): Told {
  return { type: "connection", state, transport, reason, retry_in_ms: retryInMs };
}
