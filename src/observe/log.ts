import { isoTime } from "../async/iso_time.ts";
import { getAnsiColorFormatter, getTextFormatter, type LogRecord } from "@logtape/logtape";
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
  const lineOf = options.format === "json" ? jsonLine : humanFormat(options.format);
  const least = levels.indexOf(options.level);
  const tell = (event: Event, level: LogLevel, at: number, repeated?: number) => {
    if (levels.indexOf(level) < least) return;
    const told = repeated === undefined ? event : { ...event, repeated };
    try {
      options.write(lineOf(inWholeMs(told), level, at));
    } catch {
      // A line that cannot be written must not stop a delivery.
    }
  };
  if (options.level === "debug") {
    return {
      observe: (event) => tell(event, options.levelOf(event), options.clock.now()),
      close() {},
    };
  }
  const { observe, close } = foldRepeats(options.clock, tell);
  return {
    observe(event) {
      const level = options.levelOf(event);
      // Most events are of that level: nothing at all is made of them.
      if (level !== "debug") observe(event, level);
    },
    close,
  };
}

/** The event with its durations in whole milliseconds; most have no others, and are not copied. */
function inWholeMs<Event extends { readonly type: string }>(event: Event): Event {
  let whole = event;
  for (const name in event) {
    const value: unknown = event[name];
    if (typeof value !== "number" || Number.isInteger(value) || !name.endsWith("Ms")) continue;
    whole = { ...whole, [name]: Math.round(value) };
  }
  return whole;
}

type LineOf = (event: { readonly type: string }, level: LogLevel, at: number) => string;

/** LogTape's formatters; its loggers, which find their sinks anew for each record, cost more than the line. */
function humanFormat(format: "human" | "human_color"): LineOf {
  const get = format === "human" ? getTextFormatter : getAnsiColorFormatter;
  const text = get({ timestamp: "time", format: humanLine });
  return ({ type, ...properties }, level, timestamp) =>
    text({ category, level, timestamp, message: [type], rawMessage: type, properties }).trimEnd();
}

const named = '{"type":';
const jsonLine: LineOf = (event, level, at) => {
  const text = JSON.stringify(event);
  // All events begin with their type: nothing is copied to take it out.
  if (text.startsWith(named)) return headOf(level, at) + text.slice(named.length);
  const { type, ...fields } = event;
  return headOf(level, at) + JSON.stringify({ type, ...fields }).slice(named.length);
};

let head = { level: "", at: NaN, text: "" };

/** How a line begins, up to the event's name: many lines in a row have the same. */
function headOf(level: LogLevel, at: number): string {
  if (head.at !== at || head.level !== level) {
    head = { level, at, text: `{"time":"${isoTime(at)}","level":"${level}","event":` };
  }
  return head.text;
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
