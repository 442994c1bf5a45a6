/**
 * A connector that gets webhooks flat out, in pairs of turns: one with nothing looking and one with what one of the modes
 * has looking. Prints one line of JSON: for each pair how many more webhooks there were where nothing looked, as a ratio,
 * and how much more CPU time one took where something did. Log and output go to standard error.
 *
 *   observed.ts STUB MODE SHARE ROUNDS      mode: nobody, quiet or json, as --output; share of traces that are recorded
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { systemClock } from "../../../src/async/clock.ts";
import { delay } from "../../../src/async/delay.ts";
import { watchConnector, type Watched } from "../../../src/cli/watch_connector.ts";
import { loadSettings } from "../../../src/config/load.ts";
import type { Settings } from "../../../src/config/settings.ts";
import { createConnector } from "../../../src/connector.ts";
import { openJournal } from "../../../src/journal/open_journal.ts";
import { eventLevel } from "../../../src/observe/event_level.ts";
import type { Observe } from "../../../src/observe/events.ts";
import { gatherEvents } from "../../../src/observe/gather.ts";
import { createLog } from "../../../src/observe/log.ts";
import { foldSpans } from "../../../src/observe/spans.ts";
import { startTracing } from "../../../src/observe/tracing.ts";
import type { Sample } from "../../../src/protocol/trace_context.ts";
import { foldRecords } from "../../../src/output/fold_records.ts";
import { recordJson, type Told } from "../../../src/output/record.ts";
import { lineWriter } from "../../../src/runtime/line_writer.ts";
import { connectorEnv } from "../tools/connector.ts";
import { stubAt } from "../tools/stub.ts";

const [url = "", mode = "", share = "", roundsText = ""] = process.argv.slice(2);
const stub = stubAt(url);
const warmTurns = 10;
const turnMs = 400;
/** What is written and sent a little later belongs to the turn that made it: so long it has no company. */
const quietMs = 150;
/** Spans wait so long for company; by default five seconds, in which a batch is full at such a rate anyway. */
const spansWaitMs = 100;
const channel = `old-websocket-${process.pid}`;

interface Lookers {
  readonly observe: Observe;
  readonly sample?: Sample | undefined;
}

const failures: string[] = [];
const nobody: Lookers = { observe: () => {} };

/** All that `hookferry connect` has. */
async function lookers(settings: Settings, watched: () => Watched): Promise<Lookers> {
  if (mode === "nobody") return nobody;
  const { write } = lineWriter("stderr", systemClock);
  const folds: Observe[] = [];
  const gathering = gatherEvents(systemClock);
  const { clock } = gathering;
  const log = createLog({ levelOf: eventLevel, level: "info", format: "json", write, clock });
  const watch = watchConnector(watched, settings, gathering);
  const tell = (told: Told) => write(recordJson(clock.now(), told));
  folds.push(log.observe);
  if (mode === "json") folds.push(foldRecords(tell));
  Object.assign(process.env, {
    OTEL_EXPORTER_OTLP_ENDPOINT: `${stub.url}/collector`,
    OTEL_TRACES_SAMPLER: "traceidratio",
    OTEL_TRACES_SAMPLER_ARG: share,
    OTEL_BSP_SCHEDULE_DELAY: String(spansWaitMs),
  });
  const tracing = share === "0" ? undefined : await startTracing({
    ...{ service: "bench", version: "", env: process.env, clock },
    // A figure without the collector's share would be too good.
    onFailed(message, spans) {
      failures.push(`${spans} spans were not sent: ${message}`);
    },
  });
  if (tracing) folds.push(foldSpans(tracing.record, clock).observe);
  return {
    observe: gathering.observedBy(watch.looks, folds),
    sample: tracing?.sample,
  };
}

interface Rate {
  readonly perSecond: number;
  readonly cpuSeconds: number;
}

let looking = nobody;
let settled = 0;

async function turn(next: Lookers): Promise<Rate> {
  looking = next;
  const query = { seconds: turnMs / 1000, bytes: 1500, window: 200, traced: 1 };
  const isOver = stub.turn(channel, query);
  await delay(quietMs, { clock: systemClock });
  const before = { settled, cpu: process.cpuUsage(), at: performance.now() };
  await isOver;
  const seconds = (performance.now() - before.at) / 1000;
  const { user, system } = process.cpuUsage(before.cpu);
  const count = settled - before.settled;
  await delay(quietMs, { clock: systemClock });
  return { perSecond: count / seconds, cpuSeconds: (user + system) / 1e6 / count };
}

const folder = mkdtempSync(join(tmpdir(), "bench-"));
const { settings } = loadSettings({
  file: undefined,
  flags: {},
  env: connectorEnv({
    ...{ runtime: "deno", relay: stub.url, channel, transport: "websocket", concurrency: 100 },
    folder,
  }),
});
const limits = settings.deadLetters;
const open = openJournal({ folder: join(folder, "j"), limits, clock: systemClock, onDropped() {} });
const connector = createConnector(settings, {
  journal: open,
  clock: systemClock,
  random: Math.random,
  sample: (traceId, parent) => looking.sample?.(traceId, parent) ?? false,
  observe(event) {
    looking.observe(event);
    if (event.type === "settlement.confirmed") settled++;
  },
});
const stop = new AbortController();
const ended = connector.run({ drain: stop.signal, abort: stop.signal });
const watched = () => ({ connector, journal: { open, place: "bench", degraded: undefined } });
const looked = await lookers(settings, watched);
await stub.idle(channel);
for (let n = 0; n < warmTurns; n++) await turn(n % 2 === 0 ? looked : nobody);

const time: number[] = [];
const cpu: number[] = [];
const plain: Rate[] = [];
for (let n = 0; n < Number(roundsText); n++) {
  // At random, since turns of one parity may have something in common.
  const isLookedFirst = Math.random() < 0.5;
  const first = await turn(isLookedFirst ? looked : nobody);
  const second = await turn(isLookedFirst ? nobody : looked);
  const [looks, without] = isLookedFirst ? [first, second] : [second, first];
  plain.push(without);
  time.push(without.perSecond / looks.perSecond);
  cpu.push(looks.cpuSeconds / without.cpuSeconds);
}
const perSecond = plain.map((one) => one.perSecond);
const cpuMicroseconds = plain.map((one) => one.cpuSeconds * 1e6);
console.log(JSON.stringify({ time, cpu, perSecond, cpuMicroseconds, failures }));
stop.abort();
await ended;
open.close();
rmSync(folder, { recursive: true });
process.exit();
