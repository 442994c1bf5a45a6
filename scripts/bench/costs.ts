/**
 * What a webhook costs a connector, by the parts of its source: a CPU profile of `hookferry connect` flat out, all its
 * features on. What a function of the runtime or of a package takes counts for the part that called it; what nobody of ours
 * called (events of sockets, the garbage collector) is "the runtime itself". Profiling itself makes all of it dearer: trust shares.
 *
 *   deno task bench costs [deno|bun] [websocket|sse|long_poll] [1500|100000]
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { chosenFrom } from "./tools/choices.ts";
import { connectorEnv } from "./tools/connector.ts";
import { onCore, subjectCore } from "./tools/cores.ts";
import { report } from "./tools/report.ts";
import { scriptCommand, type ScriptRuntime } from "./tools/runtimes.ts";
import { startStub } from "./tools/stub.ts";
import { Subject } from "./tools/subject.ts";

const warmSeconds = 5;
const seconds = 10;
const window = 200;
const barWidth = 40;
/** Parts that take less than this share are left out. */
const leastShown = 0.005;

/** Of Chrome's format: https://chromedevtools.github.io/devtools-protocol/tot/Profiler/#type-Profile */
interface Profile {
  readonly nodes: readonly {
    readonly id: number;
    readonly callFrame: { readonly functionName: string; readonly url: string };
    readonly children?: readonly number[];
  }[];
  readonly samples: readonly number[];
  /** Microseconds. */
  readonly timeDeltas: readonly number[];
}

const wanted = process.argv.slice(2);
const stub = await startStub();
const rows: Record<string, string>[] = [];
const results: unknown[] = [];
for (const runtime of chosenFrom<ScriptRuntime>(["deno", "bun"], wanted)) {
  for (const transport of chosenFrom(["websocket", "sse", "long_poll"], wanted)) {
    for (const bytes of chosenFrom(["1500", "100000"], wanted)) {
      const { settled, profile } = await profiled(runtime, transport, Number(bytes));
      const costs = costsByPart(profile);
      const all = [...costs.values()].reduce((sum, cost) => sum + cost, 0);
      const most = Math.max(...costs.values());
      const each = [...costs].filter(([, cost]) => cost > leastShown * all)
        .sort(([, a], [, b]) => b - a);
      results.push({ runtime, transport, bytes, settled, costs: Object.fromEntries(costs) });
      rows.push(...each.map(([part, cost]) => ({
        case: `${runtime} ${transport} ${bytes} B`,
        part,
        "CPU µs": (cost / settled).toFixed(1),
        share: `${(cost / all * 100).toFixed(1)} %`,
        picture: "#".repeat(Math.round(cost / most * barWidth)).padEnd(barWidth),
      })));
    }
  }
}
stub.stop();
report("costs", wanted.join(" "), rows, results);
process.exit();

async function profiled(runtime: ScriptRuntime, transport: string, bytes: number) {
  const folder = mkdtempSync(join(tmpdir(), "bench-"));
  const channel = `old-${transport}-${runtime}-${bytes}`;
  const [program = "", ...args] = scriptCommand(runtime, "main.ts");
  const flags = ["--cpu-prof", "--cpu-prof-dir", folder];
  // Behind the `run` of Deno.
  const command = runtime === "deno"
    ? [program, "run", ...flags, ...args.slice(1)]
    : [program, ...flags, ...args];
  const where = { runtime, relay: stub.url, channel, transport, concurrency: 100, folder };
  const subject = new Subject(
    onCore(subjectCore, [...command, "connect"]),
    connectorEnv(where),
  );
  try {
    await stub.idle(channel);
    const warm = await stub.turn(channel, { bytes, window, seconds: warmSeconds });
    const { settled } = await stub.turn(channel, { bytes, window, seconds });
    await subject.stop("SIGTERM");
    const file = readdirSync(folder).find((name) => name.endsWith(".cpuprofile")) ?? "";
    const profile: Profile = JSON.parse(readFileSync(join(folder, file), "utf8"));
    return { settled: warm.settled + settled, profile };
  } finally {
    await subject.stop();
    rmSync(folder, { recursive: true });
  }
}

/** Microseconds by the folder of the innermost function of ours. */
function costsByPart({ nodes, samples, timeDeltas }: Profile): Map<string, number> {
  const parents = new Map<number, number>();
  const own = new Map<number, string>();
  for (const { id, callFrame: { functionName, url }, children } of nodes) {
    for (const child of children ?? []) parents.set(child, id);
    const part = /\/src\/(?:(\w+)\/|(\w+)\.ts)/.exec(url);
    if (functionName === "(idle)") own.set(id, "");
    else if (part) own.set(id, `src/${part[1] ?? `${part[2]}.ts`}`);
  }
  const costs = new Map<string, number>();
  for (const [i, sample] of samples.entries()) {
    let id: number | undefined = sample;
    while (id !== undefined && !own.has(id)) id = parents.get(id);
    const part = id === undefined ? "the runtime itself" : own.get(id) ?? "";
    if (part !== "") costs.set(part, (costs.get(part) ?? 0) + (timeDeltas[i] ?? 0));
  }
  return costs;
}
