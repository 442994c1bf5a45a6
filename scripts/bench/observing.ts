/**
 * What looking costs a connector: `hookferry connect` with one thing after the other that looks, beside the same
 * connector with nothing that does (peers/unobserved.ts). All of a set stand by on one core, each gets a fifth of a second
 * in turn, thirty times over; relay, target and collector are on the other core. What a runtime makes of the code differs
 * from process to process, so there are many sets. Printed are means over the sets, and behind ± where the true mean
 * is at 95 % confidence. "Nothing, again" says how far to trust it.
 *
 *   deno task bench observing [deno|bun]
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { chosenFrom } from "./tools/choices.ts";
import { connectCommand, connectorEnv } from "./tools/connector.ts";
import { onCore, subjectCore } from "./tools/cores.ts";
import { report } from "./tools/report.ts";
import { type Runtime, scriptCommand } from "./tools/runtimes.ts";
import { mean, reachOfMean } from "./tools/statistics.ts";
import { startStub } from "./tools/stub.ts";
import { Subject } from "./tools/subject.ts";

const rounds = 30;
const turnSeconds = 0.2;
/** Until then a runtime compiles what it runs often, and there is more of that where more looks. */
const warmSeconds = 6;
const load = { bytes: 1500, window: 200, traced: 1 };
type ScriptRuntime = Exclude<Runtime, "compiled">;

interface Mode {
  /** How standard output is used; undefined = nothing looks at all. */
  readonly output: "quiet" | "json" | undefined;
  /** Of the traces, so many are recorded. */
  readonly share: number;
}

const bare: Mode = { output: undefined, share: 0 };
/** What is measured together, the first beside the others, and in how many sets. */
const groups: readonly (readonly [sets: number, modes: Readonly<Record<string, Mode>>])[] = [
  [8, {
    "nothing": bare,
    "nothing, again": bare,
    "as a service: log, metrics, status, page": { output: "quiet", share: 0 },
    "the same and --output json": { output: "json", share: 0 },
  }],
  // Apart, since spans are sent in the turns of the others too.
  [3, {
    "nothing": bare,
    "as a service, one trace in ten": { output: "quiet", share: 0.1 },
    "as a service, every trace": { output: "quiet", share: 1 },
  }],
];

/** What one process did in its turns of a set. */
interface Spent {
  readonly perSecond: number;
  readonly cpuMicroseconds: number;
  /** That came to the collector, for each webhook. */
  readonly spans: number;
}

const wanted = process.argv.slice(2);
const runtimes = chosenFrom<ScriptRuntime>(["deno", "bun"], wanted);
const stub = await startStub();
let channels = 0;
for (const runtime of runtimes) {
  const rows: Record<string, string>[] = [];
  const results: unknown[] = [];
  for (const [count, modes] of groups) {
    const sets: (readonly Spent[])[] = [];
    for (let n = 0; n < count; n++) sets.push(await oneSet(runtime, Object.values(modes), n));
    rows.push(...Object.keys(modes).map((what, i) => rowOf(runtime, what, i, sets)));
    results.push({ modes, sets });
  }
  report("observing", runtime, rows, results);
}
stub.stop();
process.exit();

async function oneSet(
  runtime: ScriptRuntime,
  modes: readonly Mode[],
  n: number,
): Promise<readonly Spent[]> {
  const folder = mkdtempSync(join(tmpdir(), "bench-"));
  // Each is the first to start as often as the others.
  const at = (i: number) => (i + n) % modes.length;
  const all = modes.map((_, i) => start(runtime, modes[at(i)]!, folder));
  try {
    for (const { channel } of all) {
      await stub.idle(channel);
      await stub.turn(channel, { ...load, seconds: warmSeconds });
    }
    const before = await Promise.all(all.map(countersOf));
    const spent = all.map(() => ({ settled: 0, seconds: 0 }));
    const order = [...all.entries()];
    for (let round = 0; round < rounds; round++) {
      // The machine, which changes, changes as much before as after.
      for (const [i, { channel }] of order.reverse()) {
        const { settled, seconds } = await stub.turn(channel, { ...load, seconds: turnSeconds });
        spent[i]!.settled += settled;
        spent[i]!.seconds += seconds;
      }
    }
    const after = await Promise.all(all.map(countersOf));
    const found: Spent[] = [];
    for (const [i, { settled, seconds }] of spent.entries()) {
      found[at(i)] = {
        perSecond: settled / seconds,
        cpuMicroseconds: (after[i]!.cpuSeconds - before[i]!.cpuSeconds) * 1e6 / settled,
        spans: (after[i]!.spans - before[i]!.spans) / settled,
      };
    }
    return found;
  } finally {
    for (const { subject } of all) await subject.stop();
    rmSync(folder, { recursive: true });
  }
}

interface Started {
  readonly channel: string;
  readonly collector: string;
  readonly subject: Subject;
}

function start(runtime: ScriptRuntime, { output, share }: Mode, folder: string): Started {
  const channel = `old-websocket-${++channels}`;
  const collector = `${stub.url}/collector/${channel}`;
  const where = { relay: stub.url, channel, transport: "websocket", concurrency: 100, folder };
  const command = output
    ? [...connectCommand(runtime), "--output", output]
    : scriptCommand(runtime, "scripts/bench/peers/unobserved.ts");
  const subject = new Subject(onCore(subjectCore, command), {
    ...connectorEnv({ ...where, runtime }),
    ...(share > 0 && {
      OTEL_EXPORTER_OTLP_ENDPOINT: collector,
      OTEL_TRACES_SAMPLER: "traceidratio",
      OTEL_TRACES_SAMPLER_ARG: String(share),
    }),
  });
  return { channel, collector, subject };
}

async function countersOf({ subject, collector }: Started) {
  return { cpuSeconds: subject.cpuSeconds, spans: await stub.spans(collector) };
}

/** Against nothing looking, set by set. */
function rowOf(
  runtime: string,
  what: string,
  of: number,
  sets: readonly (readonly Spent[])[],
): Record<string, string> {
  const pairs = sets.map((set) => [set[0]!, set[of]!] as const);
  const mine = pairs.map(([, mine]) => mine);
  return {
    [runtime]: what,
    "webhooks/s": mean(mine.map(({ perSecond }) => perSecond)).toFixed(0),
    "costs of time": percent(pairs.map(([bare, mine]) => bare.perSecond / mine.perSecond)),
    "CPU µs": mean(mine.map(({ cpuMicroseconds }) => cpuMicroseconds)).toFixed(1),
    "of CPU time": percent(
      pairs.map(([bare, mine]) => mine.cpuMicroseconds / bare.cpuMicroseconds),
    ),
    "spans each": mean(mine.map(({ spans }) => spans)).toFixed(2),
  };
}

function percent(ratios: readonly number[]): string {
  const costs = ratios.map((ratio) => (ratio - 1) * 100);
  return `${mean(costs).toFixed(1)} % ± ${reachOfMean(costs).toFixed(1)}`;
}
