/**
 * From the relay's sending to the target's reading, at 10, 50 and 90 % of what the slower of the two can do: ours, all its
 * features on, and the floor (peers/floor.ts). Medians of five turns of two seconds each, in turn.
 *
 *   deno task bench latency [deno|bun|compiled|package] [websocket|sse]
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { chosenFrom } from "./tools/choices.ts";
import { floorArguments, startConnector } from "./tools/connector.ts";
import { onCore, subjectCore } from "./tools/cores.ts";
import { report } from "./tools/report.ts";
import { runtimes, scriptCommand, scriptRuntimeOf } from "./tools/runtimes.ts";
import { median, quantile } from "./tools/statistics.ts";
import { startStub } from "./tools/stub.ts";
import { Subject } from "./tools/subject.ts";

const rounds = 5;
const shares = [0.1, 0.5, 0.9];
const bytes = 1500;
const concurrency = 100;

const wanted = process.argv.slice(2);

const stub = await startStub();
const folder = mkdtempSync(join(tmpdir(), "bench-"));
const rows: Record<string, string>[] = [];
for (const runtime of chosenFrom(runtimes, wanted)) {
  for (const transport of chosenFrom(["websocket", "sse"], wanted)) {
    const start = { runtime, relay: stub.url, transport, concurrency, folder };
    const [ours, floor] = ["ours", "floor"].map((name) => `old-${transport}-${runtime}-${name}`);
    if (!ours || !floor) throw new Error("there is no channel");
    const script = scriptCommand(
      scriptRuntimeOf(runtime),
      "scripts/bench/peers/floor.ts",
    );
    const subjects = [
      startConnector({ ...start, channel: ours }),
      new Subject(
        onCore(subjectCore, [
          ...script,
          ...floorArguments({ ...start, channel: floor }, "parse"),
        ]),
      ),
    ];
    const capacities: number[] = [];
    for (const channel of [ours, floor]) {
      await stub.idle(channel);
      await stub.turn(channel, { seconds: 2, bytes });
      const { settled, seconds } = await stub.turn(channel, { seconds: 2, bytes });
      capacities.push(settled / seconds);
    }
    for (const share of shares) {
      const rate = Math.round(Math.min(...capacities) * share);
      const seen = new Map([ours, floor].map((channel) => [channel, { p50: [], p99: [] } as Seen]));
      for (let round = 0; round < rounds; round++) {
        for (const [channel, { p50, p99 }] of seen) {
          const { latencies } = await stub.turn(channel, { seconds: 2, bytes, rate });
          p50.push(quantile(latencies, 0.5));
          p99.push(quantile(latencies, 0.99));
        }
      }
      const [mine, theirs] = [...seen.values()];
      const figures = {
        p50: mine?.p50,
        "floor p50": theirs?.p50,
        p99: mine?.p99,
        "floor p99": theirs?.p99,
      };
      rows.push({
        case: `${runtime} ${transport} ${share * 100} %: ${rate}/s`,
        ...Object.fromEntries(
          Object.entries(figures).map(([name, ms]) => [`${name} ms`, median(ms ?? []).toFixed(2)]),
        ),
      });
      console.error(JSON.stringify(rows.at(-1)));
    }
    for (const subject of subjects) await subject.stop();
  }
}
stub.stop();
rmSync(folder, { recursive: true });
report("latency", wanted.join(" "), rows, rows);
process.exit();

interface Seen {
  readonly p50: number[];
  readonly p99: number[];
}
