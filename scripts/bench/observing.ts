/**
 * What looking costs a connector (peers/observed.ts). A process has one of the modes, and each mode several processes in
 * turn: what a runtime makes of the code differs from one to the next. Relay, target and collector are another process.
 * Printed are medians over all rounds, and between what the true median is at 95 % confidence. "Nothing, again" says how
 * far to trust it. The question whether a trace is to be recorded (1 µs) is asked in every turn.
 *
 *   deno task bench observing
 *   deno task bench --on bun observing
 */
import { spawnSync } from "node:child_process";
import process from "node:process";
import { onCore, subjectCore } from "./tools/cores.ts";
import { scriptCommand } from "./tools/runtimes.ts";
import { startStub } from "./tools/stub.ts";

const processes = 3;
const rounds = 14;
/** What it is run with: the output, and the share of traces that are recorded. */
const modes: Readonly<Record<string, readonly [output: string, share: string]>> = {
  "nothing, again": ["nobody", "0"],
  "as a service: log, metrics, status, page": ["quiet", "0"],
  "the same and --output json": ["json", "0"],
  "as a service, one trace in ten": ["quiet", "0.1"],
  "as a service, every trace": ["quiet", "1"],
};

/** What peers/observed.ts prints. */
interface Observed {
  readonly time: readonly number[];
  readonly cpu: readonly number[];
  readonly perSecond: readonly number[];
  readonly cpuMicroseconds: readonly number[];
  readonly failures: readonly string[];
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

function observed([output, share]: readonly [output: string, share: string]): Observed {
  const runtime = "Deno" in globalThis ? "deno" : "bun";
  const [program = "", ...args] = onCore(
    subjectCore,
    scriptCommand(runtime, "scripts/bench/peers/observed.ts"),
  );
  const { stdout } = spawnSync(program, [...args, stub.url, output, share, String(rounds)], {
    stdio: ["ignore", "pipe", process.env["BENCH_ERRORS"] ? "inherit" : "ignore"],
    encoding: "utf8",
  });
  return JSON.parse(stdout) as Observed;
}

const stub = await startStub();
const all = new Map<string, Observed[]>(Object.keys(modes).map((mode) => [mode, []]));
for (let n = 0; n < processes; n++) {
  for (const [mode, how] of Object.entries(modes)) all.get(mode)?.push(observed(how));
}
stub.stop();
const every = [...all.values()].flat();
const [perSecond] = medianOf(every.flatMap((one) => one.perSecond));
const [cpuMicroseconds] = medianOf(every.flatMap((one) => one.cpuMicroseconds));
console.log(
  `nothing looking: ${Math.round(perSecond)} webhooks/s, ` +
    `${Math.round(cpuMicroseconds)} µs of CPU time each`,
);
for (const [mode, those] of all) {
  console.log(mode);
  console.log(`  costs of time      ${cost(those.flatMap(({ time }) => time))}`);
  console.log(`  costs of CPU time  ${cost(those.flatMap(({ cpu }) => cpu))}`);
  // A figure without the collector's share would be too good.
  for (const failure of new Set(those.flatMap(({ failures }) => failures))) {
    console.log(`  ${failure}`);
  }
}
process.exit();
