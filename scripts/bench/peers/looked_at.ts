/**
 * A connector with all that looks at it in `hookferry connect`, which is changed while it runs: nothing else differs. Each
 * mode gets a slot in each round; what each did in them is written to FILE when all are over.
 *
 *   looked_at.ts FILE nothing nothing_again service json traces    (settings: CONNECTOR_… and OTEL_…)
 */
import { renameSync, writeFileSync } from "node:fs";
import process from "node:process";
import { systemClock } from "../../../src/async/clock.ts";
import { delay } from "../../../src/async/delay.ts";
import { openConnectorJournal } from "../../../src/cli/connector_journal.ts";
import { startObserving } from "../../../src/cli/observing.ts";
import { watchConnector } from "../../../src/cli/watch_connector.ts";
import { loadSettings } from "../../../src/config/load.ts";
import { createConnector } from "../../../src/connector.ts";
import type { Observe } from "../../../src/observe/events.ts";
import { gatherEvents } from "../../../src/observe/gather.ts";
import { drawnOrder, slotsEach, slotSeconds, type Spent, warmSeconds } from "../tools/slots.ts";

const [file = "", ...modes] = process.argv.slice(2);
const nobody: Observe = () => {};
const { settings } = loadSettings({ file: undefined, flags: {}, env: process.env });
const gathering = gatherEvents(systemClock);
const observing = await startObserving(settings, "json", gathering, nobody);
const journal = openConnectorJournal(settings, nobody);
const watch = watchConnector(() => ({ connector, journal }), settings, gathering);
const service = gathering.observedBy(watch.looks, [...observing.looks]);
await observing.show(() => {
  throw new Error("there is no live view");
});
const looks: Readonly<Record<string, Observe>> = {
  nothing: nobody,
  nothing_again: nobody,
  service,
  traces: service,
  json: gathering.observedBy(watch.looks, observing.looks),
};
const { sample } = observing;

let mode = modes[0] ?? "";
let look = nobody;
let settled = 0;
const connector = createConnector(settings, {
  journal: journal.open,
  clock: systemClock,
  random: Math.random,
  sample: sample && ((traceId, parent) => mode === "traces" && sample(traceId, parent)),
  observe(event) {
    if (event.type === "settlement.confirmed") settled++;
    look(event);
  },
});
const { signal } = new AbortController();
void connector.run({ drain: signal, abort: signal });

const spent: Record<string, Spent> = Object.fromEntries(
  modes.map((name) => [name, { settled: 0, seconds: 0, cpuSeconds: 0 }]),
);
for (let n = 0; n < warmSeconds / slotSeconds / modes.length; n++) await oneRound(() => {});
for (let n = 0; n < slotsEach; n++) {
  await oneRound((name, { settled, seconds, cpuSeconds }) => {
    const before = spent[name]!;
    spent[name] = {
      settled: before.settled + settled,
      seconds: before.seconds + seconds,
      cpuSeconds: before.cpuSeconds + cpuSeconds,
    };
  });
}
// Whole as soon as it is there.
writeFileSync(`${file}.part`, JSON.stringify(spent));
renameSync(`${file}.part`, file);

async function oneRound(tell: (mode: string, spent: Spent) => void): Promise<void> {
  for (const name of drawnOrder(modes, Math.random)) {
    mode = name;
    look = looks[name]!;
    const before = { settled, at: performance.now(), cpu: process.cpuUsage() };
    await delay(slotSeconds * 1000, { clock: systemClock });
    gathering.flush(); // what belongs to this slot
    const { user, system } = process.cpuUsage(before.cpu);
    tell(name, {
      settled: settled - before.settled,
      seconds: (performance.now() - before.at) / 1000,
      cpuSeconds: (user + system) / 1e6,
    });
  }
}
