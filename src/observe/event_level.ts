import type { LogLevel } from "../config/settings.ts";
import type { ConnectorEvent } from "./events.ts";

/** ERROR = a person must act; WARNING = it is being dealt with; DEBUG = one line per attempt. */
export function eventLevel(event: ConnectorEvent): LogLevel {
  switch (event.type) {
    // Those of every webhook first: V8 compares one after the other.
    case "delivery.received":
    case "delivery.attempted":
    case "settlement.confirmed":
      return "debug";
    case "delivery.succeeded":
      return "info";
    case "stream.failed":
      return event.failureClass === "rejected" ? "error" : "warning";
    case "delivery.failed":
      return event.reason.code === "no_target" ? "error" : "warning";
    case "dead_letter.forgotten":
      return event.by === "hand" ? "info" : "debug";
    case "stream.disconnected":
      return event.by === "connector" ? "info" : "warning";
    case "stream.transport_changed":
      return event.cause === "better" ? "info" : "warning";
    case "stream.frame_ignored":
      return event.kind === "stray" ? "debug" : "warning";
    case "batch.sent":
      return event.status === 413 ? "warning" : "debug";
    case "breaker.changed":
      return event.state === "open" ? "warning" : "info";
    case "config.reload_failed":
    case "journal.failed":
    case "dead_letter.dropped":
      return "error";
    case "dead_letter.stored":
    case "config.warning":
    case "trace.export_failed":
    case "log.lines_lost":
    case "status.unavailable":
    case "delivery.retrying":
    case "settlement.failed":
      return "warning";
    case "config.reloaded":
    case "connector.started":
    case "connector.draining":
    case "connector.stopped":
    case "status.listening":
    case "stream.connected":
    case "connector.paused":
    case "connector.resumed":
    case "dead_letter.replayed":
    case "delivery.replayed":
    case "stream.backpressure":
      return "info";
    case "stream.connecting":
    case "delivery.payload":
    case "delivery.routed":
    case "delivery.duplicate":
    case "delivery.deferred":
      return "debug";
  }
}
