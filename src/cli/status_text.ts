import { statusSchema, type StatusText } from "../status/status_text.ts";

/** A few aligned lines; undefined when it is not the status of a connector. */
export function statusText(status: unknown): string | undefined {
  const parsed = statusSchema.safeParse(status);
  if (!parsed.success) return undefined;
  const { version, uptime_seconds, in_hand, journal, totals, targets } = parsed.data;
  const rows: [string, string][] = [
    ["connector", `hookferry ${version}, up ${duration(uptime_seconds)}${intake(parsed.data)}`],
    ["relay", connection(parsed.data)],
    ["in hand", `${in_hand.messages} messages, ${in_hand.bytes} bytes`],
    [
      "so far",
      `${totals.received} received, ${totals.delivered} delivered, ${totals.retried} retried, ` +
      `${totals.rejected + totals.exhausted} failed`,
    ],
    ...Object.entries(targets).map(([name, target]): [string, string] => [
      `target ${name}`,
      targetState(target),
    ]),
    ["journal", journal.problem ?? journal.place],
    ["dead letters", String(journal.dead_letters.messages)],
  ];
  const width = Math.max(...rows.map(([name]) => name.length));
  return rows.map(([name, text]) => `${name.padEnd(width)}  ${text}\n`).join("");
}

function intake({ paused, draining }: StatusText): string {
  if (draining) return ", stopping";
  return paused ? ", paused" : "";
}

function connection({ connection }: StatusText): string {
  if (connection.state === "connected") {
    return `connected over ${connection.transport} for ${duration(connection.up_seconds)}, ` +
      `heard ${duration(connection.silent_seconds)} ago`;
  }
  const why = connection.reason === null ? "" : `: ${connection.reason}`;
  return `not connected for ${duration(connection.down_seconds)}${why}`;
}

function targetState(target: StatusText["targets"][string]): string {
  const { tried, breaker, failures_in_a_row, last_failure, last_success_at } = target;
  if (failures_in_a_row > 0) {
    const state = breaker === "closed" ? "fails" : `fails, breaker ${breaker.replace("_", " ")}`;
    return `${state}: ${failures_in_a_row} times in a row: ${last_failure ?? ""}`;
  }
  if (last_success_at !== null) return `well, last delivery ${last_success_at}`;
  return tried ? "answers, nothing delivered yet" : "not tried yet";
}

function duration(seconds: number): string {
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole}s`;
  if (whole < 3_600) return `${Math.floor(whole / 60)}m ${whole % 60}s`;
  return `${Math.floor(whole / 3_600)}h ${Math.floor(whole % 3_600 / 60)}m`;
}
