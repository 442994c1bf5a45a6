/**
 * What looking costs a connector: it gets a thousand webhooks at a time, with nothing looking and with each of what may
 * look in turn, and each turn is set beside the mean of the two around it that nothing looked at. Relay, target and
 * collector are another process. Printed are medians, and between what the true one is at 95 % confidence. On a machine
 * that does other things the ratio of CPU time is the one to look at; "nothing, again" says how far to trust it.
 * The question whether a trace is to be recorded (1 µs) is asked in every turn.
 *
 *   deno task bench observing
 *   bun scripts/bench/observing.ts
 */
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { createInterface } from "node:readline";
import { systemClock } from "../../src/async/clock.ts";
import { watchConnector, type Watched } from "../../src/cli/connect_status.ts";
import { loadSettings } from "../../src/config/load.ts";
import type { Settings } from "../../src/config/settings.ts";
import { createConnector } from "../../src/connector.ts";
import { openJournal } from "../../src/journal/open_journal.ts";
import { eventLevel } from "../../src/observe/event_level.ts";
import type { Observe } from "../../src/observe/events.ts";
import { gatherEvents } from "../../src/observe/gather.ts";
import { createLog } from "../../src/observe/log.ts";
import { foldSpans } from "../../src/observe/spans.ts";
import { startTracing } from "../../src/observe/tracing.ts";
import type { Sample } from "../../src/protocol/trace_context.ts";
import { foldRecords } from "../../src/output/fold_records.ts";
import { recordJson, type Told } from "../../src/output/record.ts";
import { lineWriter } from "../../src/runtime/line_writer.ts";

const folder = import.meta.dirname ?? ".";
const permissions = "Deno" in globalThis ? ["run", "--allow-all"] : [];
if (!process.env["BENCH_INNER"]) {
  // The log is written, to nobody.
  const { status } = spawnSync(process.execPath, [...permissions, join(folder, "observing.ts")], {
    stdio: ["ignore", "inherit", process.env["BENCH_ERRORS"] ? "inherit" : "ignore"],
    env: { ...process.env, BENCH_INNER: "1" },
  });
  process.exit(status ?? 1);
}

const rounds = 30;
const messages = 1_000;
/** What is written and sent now and then, still is: it counts for the turn that made it. */
const afterwardsMs = 500;
/** Share of traces that are recorded; undefined = nothing looks. */
const modes: Readonly<Record<string, number | undefined>> = {
  "nothing, again": undefined,
  "log, output, metrics, status, page": 0,
  "and one trace in ten": 0.1,
  "and every trace": 1,
};

const far = spawn(process.execPath, [...permissions, join(folder, "far", "far_side.ts")], {
  stdio: ["pipe", "pipe", "inherit"],
});
const [line] = await once(createInterface({ input: far.stdout }), "line");
const places = JSON.parse(line) as Record<"relay" | "target" | "collector" | "fill", string>;

interface Lookers {
  readonly observe: Observe;
  readonly sample?: Sample | undefined;
}

const nobody: Lookers = { observe: () => {} };

/** All that `hookferry connect` has. */
async function lookers(
  share: number | undefined,
  settings: Settings,
  watched: () => Watched,
): Promise<Lookers> {
  if (share === undefined) return nobody;
  const { write } = lineWriter("stderr", systemClock);
  const folds: Observe[] = [];
  const { observe, clock } = gatherEvents(systemClock, folds);
  const log = createLog({ levelOf: eventLevel, level: "info", format: "json", write, clock });
  const watch = watchConnector(watched, settings);
  const tell = (told: Told) => write(recordJson(clock.now(), told));
  folds.push(log.observe, foldRecords(tell));
  Object.assign(process.env, {
    OTEL_EXPORTER_OTLP_ENDPOINT: places.collector,
    OTEL_TRACES_SAMPLER: "traceidratio",
    OTEL_TRACES_SAMPLER_ARG: String(share),
    OTEL_BSP_SCHEDULE_DELAY: String(afterwardsMs / 2),
  });
  const tracing = share === 0 ? undefined : await startTracing({
    ...{ service: "bench", version: "", env: process.env, clock },
    // A figure without the collector's share would be too good.
    onFailed: (message, spans) => console.log(`${spans} spans were not sent: ${message}`),
  });
  if (tracing) folds.push(foldSpans(tracing.record, clock).observe);
  return {
    observe(event) {
      watch.observe(event);
      observe(event);
    },
    sample: tracing?.sample,
  };
}

interface Cost {
  readonly seconds: number;
  readonly cpuSeconds: number;
}

let looking = nobody;
let left = 0;
let settled = () => {};

async function turn(next: Lookers): Promise<Cost> {
  looking = next;
  left = messages;
  const startedAt = performance.now();
  const before = process.cpuUsage();
  const isSettled = new Promise<void>((resolve) => settled = resolve);
  await (await fetch(`${places.fill}${messages}`)).text();
  await isSettled;
  const seconds = (performance.now() - startedAt) / 1000;
  await new Promise((resolve) => setTimeout(resolve, afterwardsMs));
  const { user, system } = process.cpuUsage(before);
  return { seconds, cpuSeconds: (user + system) / 1e6 };
}

/** Of the values the median, and the two between which the true one is at 95 % confidence. */
function medianOf(values: readonly number[]): readonly [median: number, low: number, high: number] {
  const sorted = [...values].sort((a, b) => a - b);
  const reach = 0.98 * Math.sqrt(sorted.length);
  const middle = (sorted.length - 1) / 2;
  const at = (index: number) => sorted[Math.round(index)] ?? NaN;
  return [at(middle), at(Math.max(0, middle - reach)), at(Math.min(middle * 2, middle + reach))];
}

function cost(ratios: readonly number[]): string {
  const [median, low, high] = medianOf(ratios).map((ratio) => ((ratio - 1) * 100).toFixed(1));
  return `${median} % (${low} to ${high})`;
}

const { settings } = loadSettings({
  file: undefined,
  flags: {},
  env: {
    CONNECTOR_CLOUD_URL: places.relay,
    CONNECTOR_CHANNEL: "dev",
    CONNECTOR_TOKEN: "s3cret",
    CONNECTOR_TARGET_URL: places.target,
  },
});
const journal = mkdtempSync(join(tmpdir(), "bench-"));
const limits = settings.deadLetters;
const open = openJournal({ folder: journal, limits, clock: systemClock, onDropped() {} });
const connector = createConnector(settings, {
  journal: open,
  clock: systemClock,
  random: Math.random,
  sample: (traceId, parent) => looking.sample?.(traceId, parent) ?? false,
  observe(event) {
    looking.observe(event);
    if (event.type === "settlement.confirmed" && --left === 0) settled();
  },
});
const stop = new AbortController();
const ended = connector.run({ drain: stop.signal, abort: stop.signal });
const watched = () => ({ connector, journal: { open, place: "bench", degraded: undefined } });
const those = new Map<string, Lookers>();
for (const [mode, share] of Object.entries(modes)) {
  those.set(mode, await lookers(share, settings, watched));
}
for (let n = 0; n < 5; n++) for (const one of those.values()) await turn(one); // warm

const wall = new Map<string, number[]>([...those.keys()].map((mode) => [mode, []]));
const cpu = new Map<string, number[]>([...those.keys()].map((mode) => [mode, []]));
const plain: Cost[] = [await turn(nobody)];
for (let n = 0; n < rounds; n++) {
  for (const [mode, one] of those) {
    const looked = await turn(one);
    const before = plain.at(-1) ?? looked;
    const after = await turn(nobody);
    plain.push(after);
    wall.get(mode)?.push(2 * looked.seconds / (before.seconds + after.seconds));
    cpu.get(mode)?.push(2 * looked.cpuSeconds / (before.cpuSeconds + after.cpuSeconds));
  }
}
const [seconds] = medianOf(plain.map((one) => one.seconds));
const [cpuSeconds] = medianOf(plain.map((one) => one.cpuSeconds));
console.log(
  `nothing looking: ${Math.round(messages / seconds)} webhooks/s, ` +
    `${Math.round(cpuSeconds / messages * 1e6)} µs of CPU time each`,
);
for (const mode of those.keys()) {
  console.log(mode);
  console.log(`  costs of time      ${cost(wall.get(mode) ?? [])}`);
  console.log(`  costs of CPU time  ${cost(cpu.get(mode) ?? [])}`);
}
stop.abort();
await ended;
open.close();
rmSync(journal, { recursive: true });
far.stdin.end();
process.exit();
