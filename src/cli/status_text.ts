import { plural } from "../observe/wording.ts";
import { visible } from "../output/visible.ts";
import { statusSchema, type StatusText } from "../status/status_text.ts";

/** A few aligned lines; undefined when it is not the status of a connector. */
export function statusText(status: unknown): string | undefined {
  const parsed = statusSchema.safeParse(status);
  if (!parsed.success) return undefined;
  const { version, uptime_seconds, config, in_hand, journal, totals, targets } = parsed.data;
  const refused: [string, string][] = config.problem === null
    ? []
    : [["settings", `not taken since ${config.since}: ${config.problem}`]];
  const rows: [string, string][] = [
    ["connector", `hookferry ${version}, up ${duration(uptime_seconds)}${intake(parsed.data)}`],
    ["relay", connection(parsed.data)],
    ...refused,
    ["in hand", `${in_hand.messages} messages, ${in_hand.bytes} bytes${untold(parsed.data)}`],
    ["so far", soFar(totals)],
    ...Object.entries(targets).map(([name, target]): [string, string] => [
      `target ${name}`,
      targetState(target),
    ]),
    ["journal", journal.problem ?? journal.place],
    ["dead letters", String(journal.dead_letters.messages)],
  ];
  const width = Math.max(...rows.map(([name]) => name.length));
  return rows.map(([name, text]) => `${visible(`${name.padEnd(width)}  ${text}`)}\n`).join("");
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

function untold({ unconfirmed: { settlements, oldest_seconds } }: StatusText): string {
  if (settlements === 0) return "";
  const told = `; the relay has not confirmed ${plural(settlements, "settlement")}`;
  return `${told}, the oldest for ${duration(oldest_seconds)}`;
}

/** With what is in hand it adds up, where a webhook has one target. */
function soFar(totals: StatusText["totals"]): string {
  const { received, duplicates, delivered, retried, replays } = totals;
  const givenBack = totals.abandoned + totals.deferred;
  return [
    `${received} received`,
    duplicates > 0 && ` (${plural(duplicates, "duplicate")})`,
    `, ${delivered} delivered, ${retried} retried, ${totals.rejected + totals.exhausted} failed`,
    givenBack > 0 && `, ${givenBack} given back`,
    replays.delivered + replays.failed > 0 &&
    `; replays: ${replays.delivered} delivered, ${replays.failed} failed`,
  ].filter(Boolean).join("");
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
