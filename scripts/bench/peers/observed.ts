/**
 * A connector that gets webhooks flat out, while by turns nothing looks and what one of the modes has. Prints one line of
 * JSON: for each four turns how many more webhooks there were where nothing looked, as a ratio, and how much more CPU time
 * one took where something did. Log and output go to standard error.
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
const warmRounds = 4;
const turnMs = 200;
/** Before a turn is counted, under load: what is written and sent a little later belongs to the turn that made it. */
const leadMs = 150;
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

interface Spent {
  settled: number;
  seconds: number;
  cpuSeconds: number;
}

let looking = nobody;
let settled = 0;

/** One turn, added to what was spent in those of its kind. */
async function turn(next: Lookers, spent: Spent): Promise<void> {
  looking = next;
  await delay(leadMs, { clock: systemClock });
  const before = { settled, cpu: process.cpuUsage(), at: performance.now() };
  await delay(turnMs, { clock: systemClock });
  const { user, system } = process.cpuUsage(before.cpu);
  spent.settled += settled - before.settled;
  spent.seconds += (performance.now() - before.at) / 1000;
  spent.cpuSeconds += (user + system) / 1e6;
}

const none = (): Spent => ({ settled: 0, seconds: 0, cpuSeconds: 0 });
const perSecond = ({ settled, seconds }: Spent) => settled / seconds;
const cpuMicroseconds = ({ settled, cpuSeconds }: Spent) => cpuSeconds * 1e6 / settled;

/** Two turns of each kind: the machine, which changes, changes as much before as after. */
async function round(): Promise<readonly [looks: Spent, without: Spent]> {
  const looks = none();
  const without = none();
  const one = () => turn(looked, looks);
  const other = () => turn(nobody, without);
  // At random, since rounds may have something in common.
  const [outer, inner] = Math.random() < 0.5 ? [one, other] : [other, one];
  for (const next of [outer, inner, inner, outer]) await next();
  return [looks, without];
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
const rounds = Number(roundsText);
const seconds = ((warmRounds + rounds) * 4 + 2) * (leadMs + turnMs) / 1000;
void stub.turn(channel, { seconds, bytes: 1500, window: 200, traced: 1 }).catch(() => {});
for (let n = 0; n < warmRounds; n++) await round();
const all: (readonly [looks: Spent, without: Spent])[] = [];
for (let n = 0; n < rounds; n++) all.push(await round());
console.log(JSON.stringify({
  time: all.map(([looks, without]) => perSecond(without) / perSecond(looks)),
  cpu: all.map(([looks, without]) => cpuMicroseconds(looks) / cpuMicroseconds(without)),
  perSecond: all.map(([, without]) => perSecond(without)),
  cpuMicroseconds: all.map(([, without]) => cpuMicroseconds(without)),
  failures,
}));
stop.abort();
await ended;
open.close();
rmSync(folder, { recursive: true });
process.exit();
