import { configureSync, getLogger, type LogRecord, resetSync } from "@logtape/logtape";
import type { LogLevel } from "../config/settings.ts";
import type { ConnectorEvent, Observe } from "./events.ts";

export interface LogOptions {
  readonly level: LogLevel;
  /** Takes one line without its end. Goes to stderr: stdout is for data. */
  readonly write: (line: string) => void;
}

/** Logs every event as one JSON line: time, level, event, and the event's fields. Never throws. */
export function createLog({ level, write }: LogOptions): { observe: Observe; close(): void } {
  configureSync({
    reset: true,
    sinks: { lines: (record) => writeLine(record, write) },
    loggers: [
      { category: "hookferry", lowestLevel: level, sinks: ["lines"] },
      { category: ["logtape", "meta"], lowestLevel: "fatal", sinks: [] },
    ],
  });
  const logger = getLogger("hookferry");
  return {
    observe: (event) => logger[levelOf(event)](event.type, { ...event }),
    close: resetSync,
  };
}

function writeLine(record: LogRecord, write: (line: string) => void): void {
  const { type: _type, ...fields } = record.properties;
  const time = new Date(record.timestamp).toISOString();
  const event = record.rawMessage;
  try {
    write(JSON.stringify({ time, level: record.level, event, ...fields }));
  } catch {
    // A line that cannot be written must not stop a delivery.
  }
}

/** ERROR = a person must act; WARNING = it is being dealt with; DEBUG = one line per attempt. */
function levelOf(event: ConnectorEvent): LogLevel {
  switch (event.type) {
    case "stream.failed":
      return event.failureClass === "rejected" ? "error" : "warning";
    case "delivery.failed":
      return event.reason.code === "no_target" ? "error" : "warning";
    case "stream.disconnected":
    case "stream.transport_changed":
    case "stream.frame_ignored":
    case "delivery.retrying":
    case "settlement.failed":
      return "warning";
    case "connector.started":
    case "connector.draining":
    case "connector.stopped":
    case "stream.connected":
    case "stream.backpressure":
    case "delivery.succeeded":
      return "info";
    case "stream.connecting":
    case "delivery.received":
    case "delivery.duplicate":
    case "delivery.attempted":
    case "settlement.confirmed":
      return "debug";
  }
}
