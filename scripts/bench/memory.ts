/**
 * Resident memory of a connector, MiB: idle, over a million webhooks flat out, and while the target is silent and bodies
 * are large. And CPU seconds for a hundred thousand webhooks. Garbage comes and goes by tens of MiB within seconds, so
 * that a figure is the median of two hundred thousand webhooks, and the picture has one step for each fifty thousand.
 *
 *   deno task bench memory [deno|bun|compiled|package]
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { chosenFrom } from "./tools/choices.ts";
import { startConnector } from "./tools/connector.ts";
import { report } from "./tools/report.ts";
import { type Runtime, runtimes } from "./tools/runtimes.ts";
import { median } from "./tools/statistics.ts";
import { startStub } from "./tools/stub.ts";
import type { Subject } from "./tools/subject.ts";

/** From which webhook to which. */
const stretches = [[100_000, 300_000], [450_000, 650_000], [800_000, 1_000_000]] as const;
const [, , [, all]] = stretches;
const step = 50_000;
const bytes = 1500;
const largeBytes = 10 * 1024 * 1024;
const settleMs = 10_000;

const wanted = process.argv.slice(2);

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
const stub = await startStub();
const folder = mkdtempSync(join(tmpdir(), "bench-"));
const rows: Record<string, string>[] = [];
for (const runtime of chosenFrom(runtimes, wanted)) {
  rows.push({ runtime, ...await under(runtime), ...await stalled(runtime) });
}
stub.stop();
rmSync(folder, { recursive: true });
report("memory", wanted.join(" "), rows, rows);
process.exit();

async function under(runtime: Runtime): Promise<Record<string, string>> {
  const channel = `old-websocket-${runtime}`;
  const start = { runtime, relay: stub.url, channel, transport: "websocket", concurrency: 100 };
  const subject = startConnector({ ...start, folder });
  await stub.idle(channel);
  await pause(settleMs);
  const idle = subject.residentMib;
  const own = subject.ownMib;
  const cpuBefore = subject.cpuSeconds;
  const samples = await load(channel, subject);
  const cpu = (subject.cpuSeconds - cpuBefore) / samples.at(-1)!.settled * 100_000;
  await subject.stop();
  const of = (from: number, to: number) =>
    samples.filter(({ settled }) => settled >= from && settled <= to).map(({ mib }) => mib);
  const steps = Array.from({ length: all / step }, (_, n) => of(n * step, (n + 1) * step));
  return {
    idle: idle.toFixed(0),
    "its own": own.toFixed(0),
    ...Object.fromEntries(
      stretches.map((
        [from, to],
      ) => [`${from / 1e3} to ${to / 1e3} k`, median(of(from, to)).toFixed(0)]),
    ),
    peak: Math.max(...samples.map(({ mib }) => mib)).toFixed(0),
    "0 to 1,000 k": bars(steps.map((mib) => mib.length > 0 ? median(mib) : 0)),
    "CPU s per 100,000": cpu.toFixed(1),
  };
}

interface Sample {
  readonly settled: number;
  readonly mib: number;
}

/** Full load until all are settled: what is resident every half second. */
async function load(channel: string, subject: Subject): Promise<readonly Sample[]> {
  const samples: Sample[] = [];
  for (let settled = 0; settled < all;) {
    settled += (await stub.turn(channel, { seconds: 0.5, bytes, window: 200 })).settled;
    samples.push({ settled, mib: subject.residentMib });
  }
  return samples;
}

/** From nothing to the largest. */
function bars(values: readonly number[]): string {
  const largest = Math.max(...values);
  return values.map((value) => "▁▂▃▄▅▆▇█"[Math.floor(value / largest * 7.999)]).join("");
}

async function stalled(runtime: Runtime): Promise<Record<string, string>> {
  const channel = `old-websocket-${runtime}-stalled`;
  const start = { runtime, relay: stub.url, channel, transport: "websocket", concurrency: 10 };
  const subject = startConnector({ ...start, folder, delay: 3_600_000 });
  await stub.idle(channel);
  void stub.turn(channel, { seconds: 60, bytes: largeBytes, window: 40 }).catch(() => {});
  await pause(settleMs);
  const mib = subject.residentMib;
  await subject.stop();
  return { "silent target, 10 MiB bodies": mib.toFixed(0) };
}
