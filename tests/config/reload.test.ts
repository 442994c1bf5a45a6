import assert from "node:assert/strict";
import { join } from "node:path";
import { readFileLayer } from "../../src/cli/layers.ts";
import { startReloading } from "../../src/cli/reload.ts";
import { loadConnections } from "../../src/config/load_connections.ts";
import { write as writeFile } from "../support/configured_program.ts";
import { ManualClock } from "../support/manual_clock.ts";
import { test, type TestContext } from "../support/test.ts";
import { turnsUntil } from "../support/turns_until.ts";

/** Real files and a clock of our own; what is applied first waits for the gate. */
async function start(t: TestContext) {
  const path = join(t.folder(), "connector.json");
  const write = (channel: string) =>
    writeFile(path, {
      ...{ cloud_url: "http://127.0.0.1:1", channel, token: "t" },
      default_target: { url: "http://127.0.0.1:1" },
    });
  const load = async () => loadConnections({ file: await readFileLayer(path), env: {}, flags: {} });
  write("a");
  const first = await load();
  const clock = new ManualClock();
  const applied: string[] = [];
  const gate = Promise.withResolvers<void>();
  const reloading = startReloading({
    first,
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
