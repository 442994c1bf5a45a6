/**
 * What one webhook, delivered at the first attempt, costs each of what looks at a connector: CPU time of its four
 * events, alone. Of many rounds the cheapest counts: others on the machine only ever make one dearer. Writing the log
 * and sending spans are not in it.
 *
 *   deno task bench folds
 *   bun scripts/bench/folds.ts
 */
import process from "node:process";
import { systemClock } from "../../src/async/clock.ts";
import { eventLevel } from "../../src/observe/event_level.ts";
import type { ConnectorEvent, Observe } from "../../src/observe/events.ts";
import { createLog } from "../../src/observe/log.ts";
import { foldMetrics } from "../../src/observe/metrics.ts";
import { foldRecent } from "../../src/observe/recent.ts";
import { foldSpans } from "../../src/observe/spans.ts";
import { foldStatus } from "../../src/observe/status.ts";
import { foldRecords } from "../../src/output/fold_records.ts";
import { recordJson } from "../../src/output/record.ts";
import { withSpan } from "../../src/protocol/trace_context.ts";
import { report } from "./tools/report.ts";
import { ownRuntime } from "./tools/runtimes.ts";

const rounds = 25;
const messages = 10_000;
const span = { spanId: "00f067aa0ba902b7", parentSpanId: "00f067aa0ba902b8" };
const headers = [
  ...[["content-type", "application/json"], ["user-agent", "a sender"]] as const,
  ["traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"] as const,
];
let made = 0;

function eventsOfOne(isRecorded: boolean): readonly ConnectorEvent[] {
  const messageId = `msg_${++made}`;
  const traceId = String(made).padStart(32, "0");
  const about = { messageId, webhookId: "hook", traceId };
  const ids = isRecorded ? span : {};
  const place = { method: "POST", path: "/a" };
  return [
    { type: "delivery.received", ...about, ...ids, ...place, bytes: 1_024, lagMs: 12 },
    {
      ...{ type: "delivery.attempted", ...about, ...ids, target: "default", attempt: 1 },
      ...{ result: "delivered", durationMs: 3, status: 200 },
    },
    {
      ...{ type: "delivery.succeeded", ...about, target: "default", attempts: 1, status: 200 },
      ...{ durationMs: 4, lagMs: 15 },
    },
    { type: "settlement.confirmed", messageId, verdict: "ack", retry: false },
  ];
}

/** Microseconds a message. */
function cost(observe: Observe, isRecorded = false): string {
  let least = Infinity;
  for (let n = 0; n < rounds; n++) {
    const events = Array.from({ length: messages }, () => eventsOfOne(isRecorded)).flat();
    const before = process.cpuUsage();
    for (const event of events) observe(event);
    const { user, system } = process.cpuUsage(before);
    least = Math.min(least, (user + system) / messages);
  }
  return least.toFixed(2);
}

const build = { version: "bench", runtime: "bench" };
const load = {
  inHand: 0,
  inHandBytes: 0,
  oldestAgeMs: 0,
  targets: [],
  unconfirmed: { size: 0, oldestAgeMs: 0 },
};
const log = createLog({
  ...{ levelOf: eventLevel, level: "info", format: "json", clock: systemClock },
  write: () => {},
});
const metrics = foldMetrics({
  build,
  clock: systemClock,
  load: () => ({ ...load, silenceMs: 0, deadLetters: 0, journalHealthy: 1 }),
});
const status = foldStatus({
  clock: systemClock,
  targets: () => [{ name: "default", inFlight: 0, waiting: 0 }],
  about: build,
  now: () => ({
    connectorId: "bench",
    identity: "bench@relay.example",
    inHand: { messages: 0, bytes: 0 },
    unconfirmed: { size: 0, oldestAgeMs: 0 },
    silenceMs: undefined,
    journal: { place: "memory", problem: undefined, deadLetters: { messages: 0, bytes: 0 } },
  }),
});
const spans = foldSpans(() => {}, systemClock);
const sampled = (share: boolean): Observe => (event) => {
  // Once for the message, once for its attempt.
  if (event.type === "delivery.received" || event.type === "delivery.attempted") {
    withSpan(headers, () => share);
  }
};
const costs: readonly (readonly [what: string, cost: () => string])[] = [
  ["the loop itself", () => cost(() => {})],
  ["log, one line", () => cost(log.observe)],
  ["output, two lines", () => cost(foldRecords((told) => void recordJson(1, told)))],
  ["metrics", () => cost(metrics.observe)],
  ["status", () => cost(status.observe)],
  ["the page's last messages", () => cost(foldRecent(systemClock).observe)],
  ["spans, not recorded", () => cost(spans.observe)],
  ["spans, recorded", () => cost(spans.observe, true)],
  ["traceparent, not recorded", () => cost(sampled(false))],
  ["traceparent, recorded", () => cost(sampled(true))],
];
const rows = costs.map(([what, measure]) => ({ "what looks": what, "CPU µs": measure() }));
report("folds", ownRuntime, rows, rows);
log.close();
process.exit();
