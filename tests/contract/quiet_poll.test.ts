/** A channel where nothing comes: what a connector that polls knows all the same. */
import assert from "node:assert/strict";
import { systemClock } from "../../src/async/clock.ts";
import type { Settings } from "../../src/config/settings.ts";
import { openJournal } from "../../src/journal/open_journal.ts";
import { startHttpServer } from "../support/http_server.ts";
import { settings, startConnector, startDevRelay } from "../support/rig.ts";
import { test, type TestContext } from "../support/test.ts";

const nowhere = new URL("http://127.0.0.1:1/");

/** A journal where a delivery stands that the relay is not known to have heard of. */
async function folderWithUntold(t: TestContext, { deadLetters: limits }: Settings) {
  const folder = t.folder();
  const { journal, close } = openJournal({
    ...{ folder, limits, clock: systemClock, onDropped: () => {} },
  });
  await journal.finish("untold", {
    ...{ outcome: { kind: "delivered" }, deliveredTo: ["default"], deadLetters: [] },
  });
  close();
  return folder;
}

test("what a crash left untold is told after the first poll, though it brings nothing", async (t) => {
  // The relay knows no such message any more: it had the ack, and the crash came before its answer.
  const relay = await startDevRelay(t);
  const given = settings(relay.url, nowhere, "long_poll");
  const folder = await folderWithUntold(t, given);
  const run = startConnector(t, given, { folder });
  await Promise.race([run.happened("settlement.confirmed"), run.happened("settlement.failed")]);
  assert.deepEqual(run.events.filter(({ type }) => type === "settlement.failed"), []);
  run.drain.abort();
  assert.deepEqual(await run.ended, { abandoned: 0 });
});

test("where a poll that brings nothing does not name its connection, what is untold waits and keeps nobody from the end", async (t) => {
  const posted: string[] = [];
  const { url } = await startHttpServer(t, (request, response) => {
    if (request.method === "POST") posted.push(request.url ?? "");
    const isSecond = new URL(request.url ?? "", url).searchParams.get("timeout") !== "1";
    if (!isSecond) response.writeHead(204, { "X-Relay-Capabilities": "ack-batch" }).end();
  });
  const given = settings(url, nowhere, "long_poll");
  const run = startConnector(t, given, { folder: await folderWithUntold(t, given) });
  await run.happened("stream.connected");
  run.drain.abort();
  assert.deepEqual(await run.ended, { abandoned: 0 });
  assert.deepEqual(posted, []);
});
