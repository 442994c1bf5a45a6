import { z } from "zod";

/** Of `/status`, what a person wants to know. */
const statusSchema = z.object({
  version: z.string(),
  uptime_seconds: z.number(),
  connection: z.union([
    z.object({
      state: z.literal("connected"),
      transport: z.string(),
      up_seconds: z.number(),
      silent_seconds: z.number(),
    }),
    z.object({ state: z.literal("disconnected"), down_seconds: z.number() }),
  ]),
  reconnects: z.object({ last_failure: z.object({ message: z.string() }).nullable() }),
  paused: z.boolean(),
  draining: z.boolean(),
  in_hand: z.object({ messages: z.number(), bytes: z.number() }),
  journal: z.object({
    place: z.string(),
    problem: z.string().nullable(),
    dead_letters: z.object({ messages: z.number() }),
  }),
  totals: z.object({
    received: z.number(),
    delivered: z.number(),
    rejected: z.number(),
    exhausted: z.number(),
    retried: z.number(),
  }),
  targets: z.record(
    z.string(),
    z.object({
      breaker: z.string(),
      failures_in_a_row: z.number(),
      last_failure: z.string().nullable(),
      last_success_at: z.string().nullable(),
    }),
  ),
});

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

type Status = z.infer<typeof statusSchema>;

function intake({ paused, draining }: Status): string {
  if (draining) return ", stopping";
  return paused ? ", paused" : "";
}

function connection({ connection, reconnects }: Status): string {
  if (connection.state === "connected") {
    return `connected over ${connection.transport} for ${duration(connection.up_seconds)}, ` +
      `heard ${duration(connection.silent_seconds)} ago`;
  }
  const why = reconnects.last_failure ? `: ${reconnects.last_failure.message}` : "";
  return `not connected for ${duration(connection.down_seconds)}${why}`;
}

function targetState(target: Status["targets"][string]): string {
  const { breaker, failures_in_a_row, last_failure, last_success_at } = target;
  if (failures_in_a_row > 0) {
    const state = breaker === "closed" ? "fails" : `fails, breaker ${breaker.replace("_", " ")}`;
    return `${state}: ${failures_in_a_row} times in a row: ${last_failure ?? ""}`;
  }
  return last_success_at === null ? "not tried yet" : `well, last delivery ${last_success_at}`;
}

function duration(seconds: number): string {
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole}s`;
  if (whole < 3_600) return `${Math.floor(whole / 60)}m ${whole % 60}s`;
  return `${Math.floor(whole / 3_600)}h ${Math.floor(whole % 3_600 / 60)}m`;
}
