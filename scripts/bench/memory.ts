/**
 * Resident memory of a connector, MiB: idle, after a hundred thousand, three hundred thousand and a million webhooks
 * flat out, and while the target is silent and bodies are large. And CPU seconds for a hundred thousand webhooks.
 *
 *   deno task bench memory [deno|bun|compiled]
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { chosenFrom } from "./tools/choices.ts";
import { startConnector } from "./tools/connector.ts";
import { report } from "./tools/report.ts";
import type { Runtime } from "./tools/runtimes.ts";
import { median } from "./tools/statistics.ts";
import { startStub, type Stub } from "./tools/stub.ts";
import type { Subject } from "./tools/subject.ts";

const early = 100_000;
const middle = 300_000;
const late = 1_000_000;
const bytes = 1500;
const largeBytes = 10 * 1024 * 1024;
const settleMs = 10_000;
const turnsThen = 5;

const wanted = process.argv.slice(2);
const runtimes = chosenFrom<Runtime>(["deno", "bun", "compiled"], wanted);

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
const stub = await startStub();
const folder = mkdtempSync(join(tmpdir(), "bench-"));
const rows: Record<string, string>[] = [];
for (const runtime of runtimes) {
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
  const cpuBefore = subject.cpuSeconds;
  const first = await load(stub, channel, subject, early);
  const cpu = (subject.cpuSeconds - cpuBefore) / first.settled * 100_000;
  const second = await load(stub, channel, subject, middle - first.settled);
  const third = await load(stub, channel, subject, late - first.settled - second.settled);
  await subject.stop();
  return {
    idle: idle.toFixed(0),
    "at 100,000": first.mib.toFixed(0),
    "at 300,000": second.mib.toFixed(0),
    "at 1,000,000": third.mib.toFixed(0),
    peak: Math.max(first.peak, second.peak, third.peak).toFixed(0),
    "CPU s per 100,000": cpu.toFixed(1),
  };
}

/** Full load until so many are settled, and a little longer: the median of what is resident from then on. */
async function load(stub: Stub, channel: string, subject: Subject, messages: number) {
  let settled = 0;
  let peak = 0;
  const then: number[] = [];
  while (then.length < turnsThen) {
    settled += (await stub.turn(channel, { seconds: 1, bytes, window: 200 })).settled;
    const { residentMib } = subject;
    peak = Math.max(peak, residentMib);
    if (settled >= messages) then.push(residentMib);
  }
  return { settled, peak, mib: median(then) };
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
