/**
 * What looking costs a connector: all that looks at `hookferry connect` beside nothing that does, taken away and put back
 * while one process runs (peers/looked_at.ts), so that nothing else differs; relay, target and collector are on the other
 * core. What a runtime makes of the code differs from process to process, so there are several. Printed are means over
 * them, and behind ± where the true mean is at 95 % confidence. "Nothing, again" says how far to trust it.
 *
 *   deno task bench observing [deno|bun]
 */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { chosenFrom } from "./tools/choices.ts";
import { connectorEnv } from "./tools/connector.ts";
import { onCore, subjectCore } from "./tools/cores.ts";
import { report } from "./tools/report.ts";
import { scriptCommand, type ScriptRuntime } from "./tools/runtimes.ts";
import { secondsFor, type Spent } from "./tools/slots.ts";
import { mean, reachOfMean } from "./tools/statistics.ts";
import { startStub } from "./tools/stub.ts";
import { Subject } from "./tools/subject.ts";

const load = { bytes: 1500, window: 200, traced: 1 };

interface Group {
  readonly processes: number;
  /** Of the traces, so many are recorded; undefined = there is no collector. */
  readonly share?: number;
  /** What is compared, by the peer's names for it: all with the first. */
  readonly modes: Readonly<Record<string, string>>;
}

const groups: readonly Group[] = [
  {
    processes: 8,
    modes: {
      "nothing": "nothing",
      "nothing, again": "nothing_again",
      "as a service: log, metrics, status, page": "service",
    },
  },
  { processes: 3, modes: { "nothing": "nothing", "the same and --output json": "json" } },
  { processes: 3, share: 0.1, modes: { "nothing": "nothing", "one trace in ten": "traces" } },
  { processes: 3, share: 1, modes: { "nothing": "nothing", "every trace": "traces" } },
];

const wanted = process.argv.slice(2);
const runtimes = chosenFrom<ScriptRuntime>(["deno", "bun"], wanted);
const stub = await startStub();
let channels = 0;
for (const runtime of runtimes) {
  const rows: Record<string, string>[] = [];
  const results: unknown[] = [];
  for (const group of groups) {
    const found: Record<string, Spent>[] = [];
    for (let n = 0; n < group.processes; n++) found.push(await oneProcess(runtime, group));
    rows.push(
      ...Object.entries(group.modes).map(([what, mode]) => rowOf(runtime, what, mode, found)),
    );
    results.push({ ...group, found });
  }
  report("observing", runtime, rows, results);
}
stub.stop();
process.exit();

async function oneProcess(
  runtime: ScriptRuntime,
  { modes, share }: Group,
): Promise<Record<string, Spent>> {
  const folder = mkdtempSync(join(tmpdir(), "bench-"));
  const file = join(folder, "spent.json");
  const channel = `old-websocket-${++channels}`;
  const names = Object.values(modes);
  const command = [...scriptCommand(runtime, "scripts/bench/peers/looked_at.ts"), file, ...names];
  const where = { relay: stub.url, channel, transport: "websocket", concurrency: 100, folder };
  const subject = new Subject(onCore(subjectCore, command), {
    ...connectorEnv({ ...where, runtime }),
    ...(share !== undefined && {
      OTEL_EXPORTER_OTLP_ENDPOINT: `${stub.url}/collector/${channel}`,
      OTEL_TRACES_SAMPLER: "traceidratio",
      OTEL_TRACES_SAMPLER_ARG: String(share),
    }),
  });
  try {
    await stub.idle(channel);
    await stub.turn(channel, { ...load, seconds: secondsFor(names.length) + 1 });
    return JSON.parse(readFileSync(file, "utf8"));
  } finally {
    await subject.stop();
    rmSync(folder, { recursive: true });
  }
}

/** Against nothing looking, process by process. */
function rowOf(
  runtime: string,
  what: string,
  mode: string,
  found: readonly Record<string, Spent>[],
): Record<string, string> {
  const rate = ({ settled, seconds }: Spent) => settled / seconds;
  const cost = ({ settled, cpuSeconds }: Spent) => cpuSeconds * 1e6 / settled;
  const pairs = found.map((spent) => [spent["nothing"]!, spent[mode]!] as const);
  return {
    [runtime]: what,
    "webhooks/s": mean(pairs.map(([, mine]) => rate(mine))).toFixed(0),
    "costs of time": percent(pairs.map(([bare, mine]) => rate(bare) / rate(mine))),
    "CPU µs": mean(pairs.map(([, mine]) => cost(mine))).toFixed(1),
    "of CPU time": percent(pairs.map(([bare, mine]) => cost(mine) / cost(bare))),
  };
}

function percent(ratios: readonly number[]): string {
  const costs = ratios.map((ratio) => (ratio - 1) * 100);
  return `${mean(costs).toFixed(1)} % ± ${reachOfMean(costs).toFixed(1)}`;
}
