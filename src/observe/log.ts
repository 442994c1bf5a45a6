import { isoTime } from "../async/iso_time.ts";
import {
  getAnsiColorFormatter,
  getTextFormatter,
  type LogRecord,
  type TextFormatter,
} from "@logtape/logtape";
import type { Clock } from "../async/clock.ts";
import type { LogLevel } from "../config/settings.ts";
import { foldRepeats } from "./fold_repeats.ts";

const category = ["hookferry"];
const levels: readonly LogLevel[] = ["debug", "info", "warning", "error"];

export type LogFormat = "json" | "human" | "human_color";

export interface LogOptions<Event> {
  readonly levelOf: (event: Event) => LogLevel;
  readonly level: LogLevel;
  readonly format: LogFormat;
  /** Takes one line without its end. Goes to stderr: stdout is for data. */
  readonly write: (line: string) => void;
  /** Tells when errors that come again are summed up. */
  readonly clock: Clock;
}

/**
 * Logs every event as one line: time, level, event, and the event's fields; errors of one kind that come again
 * within seconds share a line, except at level debug, which has everything. Never throws.
 */
export function createLog<Event extends { readonly type: string }>(
  options: LogOptions<Event>,
): { observe: (event: Event) => void; close(): void } {
  const format = formatter(options.format);
  const least = levels.indexOf(options.level);
  // LogTape's records and formatters; its loggers, which find their sinks anew for each record, cost more than the line.
  const tell = (event: Event, repeated?: number) => {
    const level = options.levelOf(event);
    if (levels.indexOf(level) < least) return; // most are: nothing is made of them
    const { type, ...fields } = event;
    const record: LogRecord = {
      category,
      level,
      timestamp: options.clock.now(),
      message: [type],
      rawMessage: type,
      properties: repeated === undefined ? fields : { ...fields, repeated },
    };
    try {
      options.write(format(record).trimEnd());
    } catch {
      // A line that cannot be written must not stop a delivery.
    }
  };
  return options.level === "debug"
    ? { observe: tell, close() {} }
    : foldRepeats(options.levelOf, options.clock, tell);
}

function formatter(format: LogFormat): TextFormatter {
  switch (format) {
    case "json":
      return jsonLine;
    case "human":
      return getTextFormatter({ timestamp: "time", format: humanLine });
    case "human_color":
      return getAnsiColorFormatter({ timestamp: "time", format: humanLine });
  }
}

function jsonLine({ timestamp, level, rawMessage, properties }: LogRecord): string {
  const fields = JSON.stringify(properties);
  const head = `{"time":"${isoTime(timestamp)}","level":"${level}","event":"${rawMessage}"`;
  return fields === "{}" ? `${head}}` : `${head},${fields.slice(1)}`;
}

function humanLine(
  { timestamp, level, record }: { timestamp: string | null; level: string; record: LogRecord },
): string {
  const shown = Object.entries(record.properties).map(([name, value]) =>
    `${name}=${humanValue(value)}`
  );
  return [timestamp, level, record.rawMessage, ...shown].join(" ");
}

function humanValue(value: unknown): string {
  if (typeof value === "object" && value !== null && "message" in value) {
    return quoted(value.message);
  }
  return typeof value === "string" && /^[\x21\x23-\x7e]+$/.test(value) ? value : quoted(value);
}

/** JSON leaves alone what some terminals obey: the controls above ASCII, and marks that turn the direction of text. */
function quoted(value: unknown): string {
  return String(JSON.stringify(value)).replace(
    /[\x7f-\x9f\p{Bidi_Control}\u2028\u2029]/gu,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
