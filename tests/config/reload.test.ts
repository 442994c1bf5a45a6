import assert from "node:assert/strict";
import { join } from "node:path";
import { readFileLayer } from "../../src/cli/layers.ts";
import { startReloading } from "../../src/cli/reload.ts";
import { stampsOf } from "../../src/cli/stamps.ts";
import { loadConnections } from "../../src/config/load_connections.ts";
import { write as writeFile } from "../support/configured_program.ts";
import { ManualClock } from "../support/manual_clock.ts";
import { test, type TestContext } from "../support/test.ts";
import { turnsUntil } from "../support/turns_until.ts";

type Write = (channel: string, more?: Record<string, unknown>) => void;

/**
 * Real files and a clock of our own; what is applied first waits for the gate. `meanwhile` is done when the settings
 * have been read for the n-th time, from 0 at the start, and nothing has come of it yet.
 */
async function start(t: TestContext, meanwhile: (n: number, write: Write) => void = () => {}) {
  const path = join(t.folder(), "connector.json");
  const write: Write = (channel, more = { token: "t" }) =>
    writeFile(path, {
      ...{ cloud_url: "http://127.0.0.1:1", channel, ...more },
      default_target: { url: "http://127.0.0.1:1" },
    });
  let reads = 0;
  const load = async () => {
    const layers = { file: await readFileLayer(path), env: {}, flags: {} };
    try {
      return loadConnections(layers);
    } finally {
      meanwhile(reads++, write);
    }
  };
  write("a");
  const stamps = stampsOf([path]);
  const first = await load();
  const clock = new ManualClock();
  const applied: string[] = [];
  const gate = Promise.withResolvers<void>();
  const reloading = startReloading({
    first,
    stamps,
    load,
    async apply({ first: { settings } }) {
      applied.push(settings.source.channel);
      if (applied.length === 1) await gate.promise;
    },
    observe: () => {},
    clock,
  });
  t.defer(() => reloading.close());
  return { write, clock, applied, gate, reloading };
}

/** The settings "bb" are being applied, and the file has "ccc". */
async function changedWhileApplied(t: TestContext) {
  const started = await start(t);
  started.write("bb");
  const reloaded = started.reloading.reload();
  await turnsUntil(() => started.applied.length === 1);
  started.write("ccc");
  return { ...started, reloaded };
}

test("a file that changes again while its settings are applied is read again", async (t) => {
  const { clock, applied, gate, reloaded } = await changedWhileApplied(t);
  gate.resolve();
  await reloaded;
  await clock.advance(2_000);
  await turnsUntil(() => applied.length > 1);
  assert.deepEqual(applied, ["bb", "ccc"]);
});

test("a file that changes while others are applied for long is read once", async (t) => {
  const { write, clock, applied, gate, reloading, reloaded } = await changedWhileApplied(t);
  await clock.advance(10_000);
  gate.resolve();
  await reloaded;
  write("dddd");
  await reloading.reload(); // behind all that were asked for
  assert.deepEqual(applied.filter((channel) => channel !== "bb").length, 2);
});

for (const [when, n] of [["at the start", 0], ["at a reload", 1]] as const) {
  test(`a file that changes once it was read, ${when}, is read again`, async (t) => {
    const { write, clock, applied, gate, reloading } = await start(t, (nth, write) => {
      if (nth === n) write("ccc");
    });
    gate.resolve();
    if (n === 1) {
      write("bb");
      await reloading.reload();
    }
    await clock.advance(3_000);
    await turnsUntil(() => applied.at(-1) === "ccc");
  });
}

test("a file that settings name which were refused is looked at as well, until some are taken", async (t) => {
  const { write, clock, applied, gate, reloading } = await start(t);
  gate.resolve();
  const token_file = join(t.folder(), "token");
  const unused = join(t.folder(), "unused");
  write("bb", { token_file, ca_cert_path: unused });
  await assert.rejects(reloading.reload(), /cannot read .*token.*cannot read .*unused/s);
  write("ccc", { token_file });
  await assert.rejects(reloading.reload(), /cannot read .*token/);
  writeFile(token_file, "t0ken");
  await clock.advance(3_000);
  await turnsUntil(() => applied.length > 0);
  assert.deepEqual(applied, ["ccc"]);
  writeFile(unused, "is not named any more");
  await clock.advance(3_000);
  await reloading.reload(); // behind what would have been asked for
  assert.deepEqual(applied, ["ccc", "ccc"]);
});
