/**
 * Webhooks a second through a connector, all its features on, beside the least a connector can be (peers/floor.ts) in the
 * same runtime, and on a smee stream beside smee-client. Relay and target are one process on the other core. Each case:
 * all subjects are warmed for six seconds, then each gets one second in turn, nine times over; medians.
 *
 *   deno task bench throughput [deno|bun|compiled|package] [websocket|sse|long_poll|smee] [1500|100000] [0ms|20ms] [c10|c100]
 *
 * OLD_CONNECTOR="COMMAND …" adds the old Python connector: it is run with the CONNECTOR_* variables.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { chosenFrom } from "./tools/choices.ts";
import { connectorEnv, floorArguments } from "./tools/connector.ts";
import { onCore, subjectCore } from "./tools/cores.ts";
import { report } from "./tools/report.ts";
import {
  ourCommand,
  repository,
  type Runtime,
  runtimes,
  scriptCommand,
  scriptRuntimeOf,
} from "./tools/runtimes.ts";
import { median } from "./tools/statistics.ts";
import { startStub, type Stub } from "./tools/stub.ts";
import { Subject } from "./tools/subject.ts";

const rounds = 9;
const window = 200;
/** Until Bun has compiled what runs often: a connector runs for years. */
const warmSeconds = 6;

interface Case {
  readonly runtime: Runtime;
  readonly transport: string;
  readonly bytes: number;
  readonly delay: number;
  readonly concurrency: number;
}

interface Figure {
  readonly perSecond: number;
  readonly cpuMs: number;
  readonly mib: number;
}

/** What can be chosen, and what of it there is. */
const choices = {
  runtime: runtimes,
  transport: ["websocket", "sse", "long_poll", "smee"],
  bytes: ["1500", "100000"],
  delay: ["0ms", "20ms"],
  concurrency: ["c10", "c100"],
};

const wanted = process.argv.slice(2);
const unknown = wanted.filter((word) => !Object.values(choices).flat().includes(word));
if (unknown.length > 0) throw new Error(`there is no ${unknown.join(", ")}`);
const chosen = (all: readonly string[]) => chosenFrom(all, wanted);

const cases: Case[] = chosen(choices.runtime).flatMap((runtime) =>
  chosen(choices.transport).flatMap((transport) =>
    chosen(choices.bytes).flatMap((bytes) =>
      chosen(choices.delay).flatMap((delay) =>
        chosen(choices.concurrency).map((concurrency) => ({
          runtime: runtime as Runtime,
          transport,
          bytes: Number(bytes),
          delay: parseInt(delay),
          concurrency: Number(concurrency.slice(1)),
        }))
      )
    )
  )
);

const stub = await startStub();
let channels = 0;
const rows: Record<string, string>[] = [];
const results: unknown[] = [];
for (const one of cases) {
  const figures = await measure(one, stub);
  results.push({ ...one, figures });
  rows.push(rowOf(one, figures));
  console.error(JSON.stringify(rows.at(-1)));
}
stub.stop();
report("throughput", wanted.join(" "), rows, results);
process.exit();

async function measure(one: Case, stub: Stub): Promise<Record<string, Figure>> {
  const folder = mkdtempSync(join(tmpdir(), "bench-"));
  const subjects = Object.entries(subjectsOf(one, stub.url, folder))
    .map(([name, { channel, command, env }]) => ({
      ...{ name, channel, subject: new Subject(onCore(subjectCore, command), env) },
      figures: [] as Figure[],
    }));
  const query = { bytes: one.bytes, window };
  try {
    for (const { channel } of subjects) {
      await stub.idle(channel);
      await stub.turn(channel, { ...query, seconds: warmSeconds });
    }
    for (let round = 0; round < rounds; round++) {
      for (const { channel, subject, figures } of subjects) {
        const before = subject.cpuSeconds;
        const { settled, seconds } = await stub.turn(channel, { ...query, seconds: 1 });
        const cpuMs = (subject.cpuSeconds - before) * 1000 / settled;
        figures.push({ perSecond: settled / seconds, cpuMs, mib: subject.residentMib });
      }
    }
  } finally {
    for (const { subject } of subjects) await subject.stop();
    rmSync(folder, { recursive: true });
  }
  return Object.fromEntries(subjects.map(({ name, figures }) => [name, {
    perSecond: median(figures.map(({ perSecond }) => perSecond)),
    cpuMs: median(figures.map(({ cpuMs }) => cpuMs)),
    mib: median(figures.map(({ mib }) => mib)),
  }]));
}

interface Start {
  readonly channel: string;
  readonly command: readonly string[];
  readonly env?: Record<string, string>;
}

function subjectsOf(one: Case, relay: string, folder: string): Record<string, Start> {
  const { runtime, transport } = one;
  const scriptRuntime = scriptRuntimeOf(runtime);
  const at = (kind: string) => ({
    ...one,
    relay,
    folder,
    channel: `${kind}-${transport}-${++channels}`,
  });
  const connector = (command: readonly string[], kind: string): Start => {
    const start = at(kind);
    return { channel: start.channel, command, env: connectorEnv(start) };
  };
  const floor = (mode: "parse" | "raw"): Start => {
    const start = at("old");
    const script = scriptCommand(scriptRuntime, "scripts/bench/peers/floor.ts");
    return { channel: start.channel, command: [...script, ...floorArguments(start, mode)] };
  };
  const ours = [...ourCommand(runtime), "connect"];
  if (transport === "smee") {
    const mine = at("smee");
    const theirs = at("smee");
    const target = (channel: string) => `${relay}/target/${channel}?delay=${one.delay}`;
    const script = join(repository, "node_modules/smee-client/bin/smee.js");
    return {
      ours: {
        channel: mine.channel,
        command: [
          ...[
            ...ours,
            "--source",
            "smee",
            `${relay}/${mine.channel}`,
            "--to",
            target(mine.channel),
          ],
          ...[
            "--max-concurrent-requests",
            String(one.concurrency),
            "--status-listen",
            "127.0.0.1:0",
          ],
          ...["--journal", `sqlite:${join(folder, "smee")}`],
        ],
      },
      "smee-client": {
        channel: theirs.channel,
        command: ["node", script, "-u", `${relay}/${theirs.channel}`, "-t", target(theirs.channel)],
      },
    };
  }
  const old = process.env["OLD_CONNECTOR"];
  return {
    ours: connector(ours, "old"),
    floor: floor("parse"),
    "raw floor": floor("raw"),
    "ours, own wire": connector(ours, "new"),
    ...(old && { "old connector": connector(old.split(" "), "old") }),
  };
}

function rowOf(one: Case, figures: Record<string, Figure>): Record<string, string> {
  const { runtime, transport, bytes, delay, concurrency } = one;
  const ours = figures["ours"];
  const others = Object.entries(figures).flatMap(([name, { perSecond, cpuMs }]) =>
    name === "ours" ? [] : [
      [name, perSecond.toFixed(0)],
      [`${name}, CPU ms`, cpuMs.toFixed(3)],
      [`to ${name}`, ((ours?.perSecond ?? NaN) / perSecond).toFixed(2)],
    ]
  );
  return {
    case: `${runtime} ${transport} ${bytes} B, target ${delay} ms, ${concurrency} at a time`,
    ours: (ours?.perSecond ?? NaN).toFixed(0),
    "CPU ms": (ours?.cpuMs ?? NaN).toFixed(3),
    MiB: (ours?.mib ?? NaN).toFixed(0),
    ...Object.fromEntries(others),
  };
}
