/** A channel whose entry was taken out of the webhooks file, or renamed in it, while it held messages. */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { jetStreamStores } from "../../src/relay/jetstream/jetstream_stores.ts";
import type { Relay, RelayOptions } from "../../src/relay/relay.ts";
import type { RelayEvent } from "../../src/relay/relay_events.ts";
import { sqliteStores } from "../../src/relay/sqlite/sqlite_stores.ts";
import { hashOf } from "../../src/relay/tokens.ts";
import { ManualClock } from "../support/manual_clock.ts";
import { onNats, startNats } from "../support/nats_server.ts";
import { openSocket } from "../support/old_client.ts";
import { startProgram } from "../support/program.ts";
import { publish, startDevRelay } from "../support/rig.ts";
import { test, type TestContext } from "../support/test.ts";

const ttlMs = 60_000;
const letters = "/admin/webhook-connect/channels/dev/dead-letters";

async function ask(relay: Relay, path: string, token: string, method = "GET", body?: object) {
  const response = await fetch(relay.url + path, {
    method,
    headers: { Authorization: `Bearer ${token}`, Accept: "text/event-stream, */*" },
    ...(body && { body: JSON.stringify(body) }),
  });
  return { status: response.status, text: await response.text() };
}

/** Starts on one folder: with the channel "dev", which is posted to, and then without. */
function restarts(t: TestContext) {
  const folder = t.folder();
  const clock = new ManualClock(Date.now());
  const options: Partial<RelayOptions> = {
    stores: sqliteStores({ folder, durability: "full" }),
    clock,
    adminToken: "adm1n",
    heartbeatMs: 1e9,
  };
  const named = () =>
    startDevRelay(t, { ttlMs, smeePathHash: hashOf("smee-path") }, { ...options });
  const unnamed = async () => {
    const told: RelayEvent[] = [];
    const relay = await startDevRelay(t, { name: "other", webhookIds: ["other"] }, {
      ...options,
      observe: (event) =>
        ["relay.channel_left", "relay.store_failed"].includes(event.type) && told.push(event),
    });
    return { relay, told };
  };
  /** While none of them runs. */
  const change = (sql: string) => {
    const db = new DatabaseSync(join(folder, "relay.db"));
    db.exec(sql);
    db.close();
  };
  return { clock, change, named, unnamed };
}

test("what a channel that left the file holds is told at each start, is closed, and is a dead letter in its time", async (t) => {
  const { clock, named, unnamed } = restarts(t);
  const before = await named();
  const id = await publish(before, "1");
  await before.stop(100);

  const { relay, told } = await unnamed();
  assert.deepEqual(told, [{ type: "relay.channel_left", channel: "dev", messages: 1 }]);
  const depth = /hookferry_relay_queue_depth\{channel="dev"\} 1/;
  assert.match((await ask(relay, "/metrics", "adm1n")).text, depth);
  assert.equal((await ask(relay, "/webhook/hook", "", "POST")).status, 404);
  assert.equal((await ask(relay, "/connect/status/dev", "s3cret")).status, 401);
  assert.equal((await ask(relay, "/smee/smee-path", "")).status, 404);
  await clock.advance(ttlMs + 30_000);
  assert.match((await ask(relay, letters, "adm1n")).text, new RegExp(`"message_id":"${id}"`));
  await relay.stop(100);

  const { relay: next, told: toldAgain } = await unnamed();
  assert.deepEqual(toldAgain, [{ type: "relay.channel_left", channel: "dev", messages: 0 }]);
  assert.equal((await ask(next, letters, "adm1n", "DELETE")).text, '{"purged":1}');
  await next.stop(100);

  const { relay: last, told: nothing } = await unnamed();
  assert.deepEqual(nothing, []);
  assert.equal(last.registry.named("dev"), undefined);
});

test("a channel that is in the file again goes on with what it held, its token as before", async (t) => {
  const { named, unnamed } = restarts(t);
  const before = await named();
  const id = await publish(before, "1");
  await before.stop(100);
  await (await unnamed()).relay.stop(100);
  const { frame } = openSocket(t, await named());
  assert.equal((await frame(1))["message_id"], id);
});

test("a channel that is made under its name has what it held", async (t) => {
  const { named, unnamed } = restarts(t);
  const before = await named();
  const id = await publish(before, "1");
  await before.stop(100);
  const { relay } = await unnamed();
  const base = "/admin/webhook-connect/channels";
  assert.equal((await ask(relay, `${base}/dev/rotate-token`, "adm1n", "POST", {})).status, 409);
  const wanted = { channel: "dev", webhook_ids: ["hook"] };
  const made = await ask(relay, base, "adm1n", "POST", wanted);
  assert.equal(made.status, 201);
  assert.equal((await ask(relay, base, "adm1n", "POST", wanted)).status, 409);
  const { frame, say } = openSocket(t, relay, {
    Authorization: `Bearer ${JSON.parse(made.text).token}`,
  });
  assert.equal((await frame(1))["message_id"], id);
  say({ type: "ack", message_id: id });
  const next = await publish(relay, "2");
  assert.equal((await frame(2))["message_id"], next);
});

test("a channel that left the file is as it was where it cannot be made under its name", async (t) => {
  const { change, named, unnamed } = restarts(t);
  const before = await named();
  await publish(before, "1");
  await before.stop(100);
  const full = "BEGIN SELECT RAISE(ABORT, 'the disk is full'); END";
  change(`CREATE TRIGGER full BEFORE UPDATE ON channel WHEN NEW.record LIKE '%"api"%' ${full}`);
  const { relay } = await unnamed();
  const wanted = { channel: "dev", webhook_ids: ["hook"] };
  for (let attempt = 1; attempt <= 2; attempt++) {
    const made = await ask(relay, "/admin/webhook-connect/channels", "adm1n", "POST", wanted);
    assert.equal(made.status, 503);
    assert.equal((await ask(relay, letters, "adm1n")).status, 200);
    assert.equal(relay.registry.named("dev")?.channel.stats.queued, 1);
  }
});

test("a channel that left the file and cannot be read is told, and keeps no other from being served", async (t) => {
  const { change, named, unnamed } = restarts(t);
  const before = await named();
  for (const body of ["1", "2"]) await publish(before, body);
  await before.stop(100);
  change("UPDATE message SET bytes = 9223372036854775807"); // no sum can be made of them
  const { relay, told } = await unnamed();
  assert.deepEqual(told.map(({ type }) => type), ["relay.store_failed"]);
  assert.match(JSON.stringify(told), /"channel":"dev".*cannot read the relay's data/);
  assert.equal((await ask(relay, "/webhook/other", "", "POST")).status, 202);
  await relay.stop(100);
  change("UPDATE message SET bytes = 1");
  const { told: later } = await unnamed();
  assert.deepEqual(later, [{ type: "relay.channel_left", channel: "dev", messages: 2 }]);
});

onNats(
  "[jetstream] a channel that left the file is told, and stays what it is for the relays that have it",
  async (t) => {
    const { address } = await startNats(t);
    const stores = jetStreamStores(address);
    const has = await startDevRelay(t, {}, { stores });
    const id = await publish(has, "1");
    const told: RelayEvent[] = [];
    const hasNot = await startDevRelay(t, { name: "other", webhookIds: ["other"] }, {
      stores,
      adminToken: "adm1n",
      observe: (event) => event.type === "relay.channel_left" && told.push(event),
    });
    assert.deepEqual(told, [{ type: "relay.channel_left", channel: "dev", messages: 1 }]);
    const wanted = { channel: "dev", webhook_ids: ["hook"] };
    const base = "/admin/webhook-connect/channels";
    assert.equal((await ask(hasNot, base, "adm1n", "POST", wanted)).status, 409);
    const { frame } = openSocket(t, has);
    assert.equal((await frame(1))["message_id"], id);
  },
);

test("a relay that had a file and has none now makes its first channel all the same", async (t) => {
  const folder = t.folder();
  const file = join(folder, "webhooks.json");
  const entry = { module: "webhook_connect", channel: "default", channel_token: "s3cret" };
  writeFileSync(file, JSON.stringify({ hook: entry }));
  const start = (...more: string[]) =>
    startProgram(t, [
      ...["relay", "--listen", "127.0.0.1:0", "--data", join(folder, "data"), ...more],
    ]);
  const before = start("--webhooks", file);
  const url = (await before.line(/^post to/)).split(/\s+/)[2] ?? "";
  const posted = await fetch(url, { method: "POST", body: "1" });
  await posted.body?.cancel();
  assert.equal(posted.status, 202);
  before.terminate();
  await before.ended;

  const after = start();
  await after.line(/relay\.channel_left/);
  assert.match(await after.line(/^post to/), /\/webhook\/default$/);
  await after.line(/^connect/);
});
