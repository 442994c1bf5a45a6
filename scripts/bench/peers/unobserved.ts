/** `hookferry connect` with nothing that looks: no log, no metrics, no status, no page, no output, no traces. */
import process from "node:process";
import { systemClock } from "../../../src/async/clock.ts";
import { journalFolder } from "../../../src/cli/connector_journal.ts";
import { loadSettings } from "../../../src/config/load.ts";
import { createConnector } from "../../../src/connector.ts";
import { openJournal } from "../../../src/journal/open_journal.ts";

const { settings } = loadSettings({ file: undefined, flags: {}, env: process.env });
const limits = settings.deadLetters;
const folder = journalFolder(settings);
const connector = createConnector(settings, {
  journal: openJournal({ folder, limits, clock: systemClock, onDropped() {} }),
  clock: systemClock,
  random: Math.random,
  sample: () => false,
  observe() {},
});
const { signal } = new AbortController();
await connector.run({ drain: signal, abort: signal });
