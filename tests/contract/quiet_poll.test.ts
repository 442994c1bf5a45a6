/** A channel where nothing comes: what a connector that polls knows all the same. */
import assert from "node:assert/strict";
import type { ServerResponse } from "node:http";
import { systemClock } from "../../src/async/clock.ts";
import type { Settings } from "../../src/config/settings.ts";
import { openJournal } from "../../src/journal/open_journal.ts";
import type { RelayEvent } from "../../src/relay/relay_events.ts";
import { lastOf } from "../support/cleanup.ts";
import { webhookText } from "../support/hostile_relay.ts";
import { startHttpServer } from "../support/http_server.ts";
import { ManualClock } from "../support/manual_clock.ts";
import { startProxy } from "../support/proxy.ts";
import { publish, settings, startConnector, startDevRelay, startTarget } from "../support/rig.ts";
import { test, type TestContext } from "../support/test.ts";
import { turnsUntil } from "../support/turns_until.ts";

const nowhere = new URL("http://127.0.0.1:1/");
const capabilities = ["ack-batch", "extend", "drain"];
const able = { "X-Relay-Capabilities": capabilities.join(", ") };

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

test("a connection that breaks and polls anew without news goes on extending what is in hand", async (t) => {
  const clock = new ManualClock();
  const events: RelayEvent[] = [];
  const count = (type: RelayEvent["type"]) => events.filter((event) => event.type === type).length;
  t.explain(() => lastOf("the relay saw", events));
  const relay = await startDevRelay(t, { ackTimeoutMs: 30_000, maxDeliveries: 1 }, {
    clock,
    observe: (event) => void events.push(event),
  });
  const proxy = await startProxy(t, relay.url);
  const answer = Promise.withResolvers<number>();
  t.defer(() => answer.resolve(200));
  const target = await startTarget(t, () => answer.promise);
  await publish(relay, "slow");
  const run = startConnector(t, settings(proxy.url, target.url, "long_poll"), { clock });
  await target.arrived(1);
  await turnsUntil(() => count("relay.connected") === 2);
  proxy.cut();
  await run.happened("stream.failed");
  await clock.advance(100);
  await turnsUntil(() => count("relay.connected") === 3);
  await clock.advance(1_000); // as long as the first poll is
  await run.happened("stream.connected", 2);
  for (let n = 1; n <= 6; n++) {
    await clock.advance(10_000);
    await turnsUntil(() => count("relay.lease_extended") === n);
  }
  assert.equal(count("relay.lease_expired"), 0);
  answer.resolve(200);
  await run.happened("settlement.confirmed");
  assert.equal(relay.registry.named("dev")?.channel.stats.delivered, 1);
});

for (const wish of ["stops", "is paused"] as const) {
  test(`what a poll brings while the connector ${wish} goes back untried, and is not left to its lease`, async (t) => {
    const second = Promise.withResolvers<ServerResponse>();
    const settled = Promise.withResolvers<Record<string, unknown>>();
    const { url } = await startHttpServer(t, async (request, response) => {
      if (request.method === "POST") {
        const chunks: Uint8Array[] = [];
        for await (const chunk of request) chunks.push(chunk);
        response.writeHead(200, { "Content-Type": "application/json" }).end('{"status":"ok"}');
        return settled.resolve(JSON.parse(Buffer.concat(chunks).toString()));
      }
      const isFirst = new URL(request.url ?? "", url).searchParams.get("timeout") === "1";
      if (!isFirst) return second.resolve(response);
      response.writeHead(204, { ...able, "X-Connection-ID": "p1" }).end();
    });
    const run = startConnector(t, settings(url, nowhere, "long_poll"));
    const poll = await second.promise;
    if (wish === "stops") run.drain.abort();
    else run.connector.pause.pause();
    const greeting = { type: "connected", connection_id: "p2", channel: "dev", capabilities };
    const answer = { ...greeting, messages: [JSON.parse(webhookText("m1"))] };
    poll.writeHead(200, { ...able, "Content-Type": "application/json" }).end(
      JSON.stringify(answer),
    );
    const { nacks } = await settled.promise as { nacks: Record<string, unknown>[] };
    assert.deepEqual(
      nacks.map(({ message_id, retry, attempted }) => [message_id, retry, attempted]),
      [
        ["m1", true, false],
      ],
    );
    run.drain.abort();
    assert.deepEqual(await run.ended, { abandoned: 0 });
  });
}
