/**
 * What looking costs a connector: webhooks that wait at a relay, and the time until all are acknowledged, with nothing
 * looking, with all that looks by itself, and with traces too. Relay, target and collector are another process; rounds
 * are interleaved, each beside one with nothing looking, and the medians of those ratios are printed. On a machine
 * that does other things the ratio of CPU time is the one to look at.
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
import { createLog } from "../../src/observe/log.ts";
import { foldSpans } from "../../src/observe/spans.ts";
import { startTracing } from "../../src/observe/tracing.ts";
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

const rounds = 9;
const messages = 10_000;
const modes = {
  "nothing, again": undefined,
  "log, metrics, status, page": 0,
  "and one trace in ten": 0.1,
  "and every trace": 1,
} as const;
/** Share of traces that are recorded; undefined = nothing looks. */
type Share = number | undefined;

const far = spawn(process.execPath, [...permissions, join(folder, "far", "far_side.ts")], {
  stdio: ["pipe", "pipe", "inherit"],
});
const [line] = await once(createInterface({ input: far.stdout }), "line");
const places = JSON.parse(line) as Record<"relay" | "target" | "collector" | "fill", string>;

/** All that `hookferry connect` has. */
async function lookers(share: Share, settings: Settings, watched: () => Watched) {
  if (share === undefined) return { observe: () => {}, sample: undefined, close: async () => {} };
  const lines = lineWriter("stderr", systemClock);
  const log = createLog({
    levelOf: eventLevel,
    level: "info",
    format: "json",
    write: lines.write,
    clock: systemClock,
  });
  const watch = watchConnector(watched, settings);
  const folds: Observe[] = [log.observe, watch.observe];
  const tracing = share === 0 ? undefined : await startTracing({
    service: "bench",
    version: "",
    env: process.env,
    onFailed: () => {},
    clock: systemClock,
  });
  if (tracing) folds.push(foldSpans(tracing.record, systemClock).observe);
  return {
    observe: (event: Parameters<Observe>[0]) => folds.forEach((fold) => fold(event)),
    sample: tracing?.sample,
    async close() {
      await tracing?.close();
      log.close();
      await lines.close();
    },
  };
}

interface Cost {
  readonly seconds: number;
  readonly cpuSeconds: number;
}

async function round(share: Share): Promise<Cost> {
  await (await fetch(`${places.fill}${messages}`)).text();
  Object.assign(process.env, {
    OTEL_EXPORTER_OTLP_ENDPOINT: places.collector,
    OTEL_TRACES_SAMPLER: "traceidratio",
    OTEL_TRACES_SAMPLER_ARG: String(share),
  });
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
  const limits = settings.deadLetters;
  const journal = mkdtempSync(join(tmpdir(), "bench-"));
  const open = openJournal({ folder: journal, limits, clock: systemClock, onDropped() {} });
  const looking = await lookers(share, settings, () => ({
    connector,
    journal: { open, place: "memory", degraded: undefined },
  }));
  const drain = new AbortController();
  let left = messages;
  const connector = createConnector(settings, {
    journal: open,
    clock: systemClock,
    random: Math.random,
    sample: looking.sample,
    observe(event) {
      looking.observe(event);
      if (event.type === "settlement.confirmed" && --left === 0) drain.abort();
    },
  });
  const startedAt = performance.now();
  const before = process.cpuUsage();
  await connector.run({ drain: drain.signal, abort: new AbortController().signal });
  await looking.close();
  const seconds = (performance.now() - startedAt) / 1000;
  const { user, system } = process.cpuUsage(before);
  open.close();
  rmSync(journal, { recursive: true });
  return { seconds, cpuSeconds: (user + system) / 1e6 };
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}

const percent = (ratio: number) => `${((ratio - 1) * 100).toFixed(1)} %`;
const shares = Object.entries(modes);
for (const [, share] of shares) await round(share); // warm
const ratios = new Map(
  shares.map(([mode]) => [mode, { wall: [] as number[], cpu: [] as number[] }]),
);
const base: number[] = [];
for (let n = 0; n < rounds; n++) {
  for (const [mode, share] of shares) {
    const isFirst = n % 2 === 0;
    const early = isFirst ? await round(undefined) : undefined;
    const looked = await round(share);
    const plain = early ?? await round(undefined);
    base.push(plain.seconds);
    ratios.get(mode)?.wall.push(looked.seconds / plain.seconds);
    ratios.get(mode)?.cpu.push(looked.cpuSeconds / plain.cpuSeconds);
  }
}
console.log(`nothing looking: ${Math.round(messages / median(base))} webhooks/s`);
for (const [mode, { wall, cpu }] of ratios) {
  const costs = `costs ${percent(median(wall))} of time, ${percent(median(cpu))} of CPU time`;
  console.log(`${mode.padEnd(28)} ${costs}`);
}
far.stdin.end();
process.exit();
