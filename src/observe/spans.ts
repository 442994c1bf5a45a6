import { AgedMap } from "../async/aged_map.ts";
import type { Clock } from "../async/clock.ts";
import { newSpanId, type Span } from "../protocol/trace_context.ts";
import type { ConnectorEvent, Observe } from "./events.ts";

type Received = Extract<ConnectorEvent, { type: "delivery.received" }>;

/** A message whose trace is recorded, from its receipt until the relay has been told. */
interface Open {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string | undefined;
  readonly attributes: Span["attributes"];
  readonly receivedAt: number;
  isTried: boolean;
  /** When the last target was done with it. */
  endedAt: number | undefined;
  error: string | undefined;
  /** It came again, and is no copy: the relay never heard how this one ended. */
  again: { readonly event: Received; readonly at: number } | undefined;
}

/** Messages followed; the oldest is given up. */
const maxOpen = 10_000;

/**
 * Spans of a connector, folded from its events: `stream` (from the relay's receipt until it was here) and
 * `deliver` (until the relay was told) below the relay's span; below `deliver`: `queue` until the first attempt,
 * `attempt N`, and `ack`.
 */
export function foldSpans(
  pass: (span: Span) => void,
  clock: Clock,
): { readonly observe: Observe; close(): void } {
  const open = new AgedMap<Open>();

  /** A clock may have been set back meanwhile. */
  function record(span: Span): void {
    pass(span.endedAt < span.startedAt ? { ...span, endedAt: span.startedAt } : span);
  }

  function observe(event: ConnectorEvent): void {
    switch (event.type) {
      case "delivery.received":
        return received(event);
      case "delivery.duplicate": {
        const message = open.get(event.messageId);
        if (message) message.again = undefined;
        return;
      }
      case "delivery.attempted":
        return attempted(event);
      case "delivery.succeeded":
        return ended(event.messageId, undefined);
      case "delivery.failed":
      case "delivery.deferred":
        return ended(event.messageId, event.reason.message);
      case "settlement.confirmed":
        return settled(event);
    }
  }

  function received(event: Received): void {
    const message = open.get(event.messageId);
    const at = clock.now();
    if (message) message.again = { event, at };
    else begin(event, at);
  }

  function begin(event: Received, at: number): void {
    const { messageId, webhookId, traceId, spanId, parentSpanId } = event;
    if (traceId === undefined || spanId === undefined) return;
    const attributes = {
      "messaging.system": "hookferry",
      "messaging.message.id": messageId,
      "messaging.message.body.size": event.bytes,
      "hookferry.webhook.id": webhookId,
    };
    open.set(messageId, {
      ...{ traceId, spanId, parentSpanId, attributes },
      receivedAt: at,
      isTried: false,
      endedAt: undefined,
      error: undefined,
      again: undefined,
    });
    record({
      name: "stream",
      kind: "consumer",
      ...{ traceId, parentSpanId, attributes },
      spanId: newSpanId(),
      startedAt: at - event.lagMs,
      endedAt: at,
    });
    closeOldest(maxOpen, "given up: too many messages are open");
  }

  /** The one in hand: what came again takes the place of the one before, whose end nobody told. */
  function inHand(messageId: string): Open | undefined {
    const message = open.get(messageId);
    if (!message?.again) return message;
    const { event, at } = message.again;
    close(messageId, message.error ?? "the relay was not told", message.endedAt);
    begin(event, at);
    return open.get(messageId);
  }

  function attempted(event: Extract<ConnectorEvent, { type: "delivery.attempted" }>): void {
    const { messageId, traceId, spanId, parentSpanId, target, attempt, result, reason } = event;
    const endedAt = clock.now();
    const message = inHand(messageId);
    // The duration is rounded, and the wall clock has no parts of a millisecond.
    const startedAt = Math.max(endedAt - event.durationMs, message?.receivedAt ?? -Infinity);
    if (message && !message.isTried) {
      message.isTried = true;
      below(message, "queue", message.receivedAt, startedAt);
    }
    if (traceId === undefined || spanId === undefined) return;
    record({
      name: `attempt ${attempt}`,
      kind: "client",
      ...{ traceId, spanId, parentSpanId, startedAt, endedAt },
      attributes: {
        "messaging.message.id": messageId,
        "hookferry.webhook.id": event.webhookId,
        "hookferry.target": target,
        "hookferry.attempt": attempt,
        "hookferry.result": result,
        ...((event.status ?? reason?.status) !== undefined &&
          { "http.response.status_code": event.status ?? reason?.status ?? 0 }),
      },
      error: reason?.message,
    });
  }

  /** Of several targets the last one counts, and any failure. */
  function ended(messageId: string, error: string | undefined): void {
    const message = inHand(messageId);
    if (!message) return;
    message.endedAt = clock.now();
    message.error ??= error;
  }

  function settled(event: Extract<ConnectorEvent, { type: "settlement.confirmed" }>): void {
    const { messageId, verdict, retry } = event;
    const message = open.get(messageId);
    if (!message) return;
    const now = clock.now();
    const attributes = { "hookferry.verdict": verdict, "hookferry.retry": retry };
    below(message, "ack", message.endedAt ?? now, now, attributes);
    close(messageId, verdict === "ack" ? undefined : message.error);
    if (message.again) begin(message.again.event, message.again.at);
  }

  function below(
    { traceId, spanId: parentSpanId, attributes }: Open,
    name: string,
    startedAt: number,
    endedAt: number,
    more: Span["attributes"] = {},
  ): void {
    record({
      ...{ name, traceId, parentSpanId, startedAt, endedAt },
      kind: "internal",
      spanId: newSpanId(),
      attributes: { ...attributes, ...more },
    });
  }

  /** Until no more than `max` are open. */
  function closeOldest(max: number, error: string): void {
    for (let key = open.oldestKey; key !== undefined && open.size > max; key = open.oldestKey) {
      close(key, error);
    }
  }

  function close(messageId: string, error: string | undefined, endedAt = clock.now()): void {
    const message = open.get(messageId);
    if (!message) return;
    const { traceId, spanId, parentSpanId, attributes, receivedAt: startedAt } = message;
    open.delete(messageId);
    record({
      ...{ name: "deliver", traceId, spanId, parentSpanId, attributes, startedAt, error, endedAt },
      kind: "consumer",
    });
  }

  return {
    observe,
    /** Ends the spans of what the relay was not told about. */
    close() {
      closeOldest(0, "the connector stopped");
    },
  };
}
