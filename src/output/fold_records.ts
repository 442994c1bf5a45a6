import { AgedMap } from "../async/aged_map.ts";
import type { ConnectorEvent } from "../observe/events.ts";
import type { About } from "../protocol/about.ts";
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

/** Of several connections, with the name of the one it is of. */
type Event = ConnectorEvent & { readonly connection?: string };

/** Tells what happens as records. */
export function foldRecords(tell: (told: Told) => void): (event: Event) => void {
  const known = new AgedMap<Known>();

  return (event) => {
    const told = toldOf(event);
    const { connection } = event;
    if (told) tell(connection === undefined ? told : Object.assign(told, { connection }));
  };

  function toldOf(event: ConnectorEvent): Told | undefined {
    switch (event.type) {
      case "status.listening":
        return { type: "status", url: event.url };
      case "stream.connected":
        return connection("connected", event);
      case "stream.disconnected":
        return connection("disconnected", event, event.reason);
      case "stream.failed":
        return connection("waiting", event, event.message, event.retryInMs);
      case "connector.paused":
        return { type: "intake", state: "paused" };
      case "connector.resumed":
        return { type: "intake", state: "resumed" };
      case "delivery.received":
        remember(event);
        return;
      case "delivery.duplicate":
        if (event.state === "finished") known.delete(event.messageId);
        return;
      case "delivery.retrying":
        return {
          type: "retry",
          ...about(event),
          target: event.target,
          attempt: event.attempt,
          reason: event.reason.message,
          retry_in_ms: Math.round(event.delayMs),
        };
      case "delivery.succeeded":
        return ended(event, "delivered", event);
      case "delivery.failed":
        return ended(event, event.outcome, {
          status: event.reason.status,
          attempts: event.attempts,
          reason: event.reason.message,
        });
      case "delivery.deferred":
        return ended(event, "deferred", { reason: event.reason.message });
      case "settlement.confirmed":
        return settled(event);
    }
  }

  function remember(event: Extract<ConnectorEvent, { type: "delivery.received" }>): void {
    const { messageId, webhookId, method, path, bytes, lagMs } = event;
    known.set(messageId, { webhookId, method, path, bytes, lagMs });
    known.forgetOldest(maxKnown);
  }

  function settled(event: Extract<ConnectorEvent, { type: "settlement.confirmed" }>): Told {
    const told: Told = { type: "settled", ...about(event), verdict: event.verdict };
    known.delete(event.messageId);
    return told;
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
interface Ended extends About {
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
  return {
    type: "connection",
    state,
    transport,
    reason,
    retry_in_ms: retryInMs && Math.round(retryInMs),
  };
}
