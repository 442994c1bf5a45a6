/**
 * From the start of the process until the relay has the connection, and until the target has the first webhook; medians of
 * nine starts each, in turn. And how large the built file is.
 *
 *   deno task bench startup [deno|bun|compiled|package]
 */
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { chosenFrom } from "./tools/choices.ts";
import { connectCommand, connectorEnv } from "./tools/connector.ts";
import { report } from "./tools/report.ts";
import { isThere, pathOf, runtimes } from "./tools/runtimes.ts";
import { median } from "./tools/statistics.ts";
import { startStub } from "./tools/stub.ts";
import { Subject } from "./tools/subject.ts";

const rounds = 9;
const wanted = process.argv.slice(2);
const chosen = chosenFrom(runtimes, wanted)
  .filter(isThere);

const stub = await startStub();
const folder = mkdtempSync(join(tmpdir(), "bench-"));
const seen = new Map(chosen.map((one) => [one, { connected: [], delivered: [] } as Seen]));
for (let round = 0; round < rounds; round++) {
  for (const [runtime, { connected, delivered }] of seen) {
    const channel = `old-websocket-${runtime}-${round}`;
    const startedAt = performance.now();
    const start = {
      runtime,
      relay: stub.url,
      channel,
      transport: "websocket",
      concurrency: 10,
      folder,
    };
    const subject = new Subject(connectCommand(runtime), connectorEnv(start));
    await stub.idle(channel);
    connected.push(performance.now() - startedAt);
    await stub.turn(channel, { seconds: 0.001, bytes: 1500, window: 1 });
    delivered.push(performance.now() - startedAt);
    await subject.stop();
  }
}
stub.stop();
rmSync(folder, { recursive: true });
const rows = [...seen].map(([runtime, { connected, delivered }]) => ({
  runtime,
  "connected ms": median(connected).toFixed(0),
  "first delivery ms": median(delivered).toFixed(0),
  "file MiB": runtime === "compiled"
    ? (statSync(pathOf(runtime)).size / 1024 / 1024).toFixed(0)
    : "",
}));
report("startup", wanted.join(" "), rows, rows);
process.exit();

interface Seen {
  readonly connected: number[];
  readonly delivered: number[];
}
