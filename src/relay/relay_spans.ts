import type { Clock } from "../async/clock.ts";
import { newSpanId, type Span } from "../protocol/trace_context.ts";
import type { ObserveRelay } from "./relay_events.ts";

/** Spans of a relay, folded from its events: `ingest` for each webhook taken, and below it `store`. */
export function foldRelaySpans(record: (span: Span) => void, clock: Clock): ObserveRelay {
  return (event) => {
    if (event.type !== "relay.ingested") return;
    const { traceId, spanId, parentSpanId } = event;
    if (traceId === undefined || spanId === undefined) return;
    const endedAt = clock.now();
    const attributes = {
      "messaging.system": "hookferry",
      "messaging.destination.name": event.channel,
      "messaging.message.id": event.messageId,
      "messaging.message.body.size": event.bytes,
      "hookferry.webhook.id": event.webhookId,
    };
    record({
      ...{ name: "ingest", traceId, spanId, parentSpanId, endedAt, attributes },
      kind: "server",
      startedAt: endedAt - event.durationMs,
    });
    record({
      ...{ name: "store", traceId, endedAt, attributes },
      kind: "internal",
      spanId: newSpanId(),
      parentSpanId: spanId,
      startedAt: endedAt - event.storeMs,
    });
  };
}
