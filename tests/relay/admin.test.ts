import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { sqliteStores } from "../../src/relay/sqlite/sqlite_stores.ts";
import type { Relay } from "../../src/relay/relay.ts";
import type { RelayEvent } from "../../src/relay/relay_events.ts";
import { ManualClock } from "../support/manual_clock.ts";
import { openSocket } from "../support/old_client.ts";
import { publish, settings, startConnector, startDevRelay, startTarget } from "../support/rig.ts";
import { test } from "../support/test.ts";

const admin = { Authorization: "Bearer adm1n" };
const base = "/admin/webhook-connect";

async function ask(relay: Relay, path: string, init: RequestInit = { headers: admin }) {
  const response = await fetch(`${relay.url}${base}${path}`, init);
  return { status: response.status, body: await response.json() };
}

function asPost(body: unknown): RequestInit {
  return { method: "POST", headers: admin, body: JSON.stringify(body) };
}

test("the admin API wants its token, and is off without one; health is open", async (t) => {
  const off = await startDevRelay(t);
  assert.equal((await ask(off, "/channels")).status, 403);
  assert.match((await ask(off, "/channels")).body.detail, /^Admin API disabled/);
  assert.equal((await ask(off, "/health", {})).body.status, "healthy");
  const on = await startDevRelay(t, {}, { adminToken: "adm1n" });
  assert.deepEqual(await ask(on, "/channels", {}), {
    status: 401,
    body: { detail: "Missing authorization header" },
  });
  assert.deepEqual(await ask(on, "/channels", { headers: { Authorization: "Bearer s3cret" } }), {
    status: 401,
    body: { detail: "Invalid admin token" },
  });
  assert.equal((await ask(on, "/channels/nope")).status, 404);
});

test("channels, their configuration, statistics and connections can be looked at", async (t) => {
  const target = await startTarget(t);
  const relay = await startDevRelay(t, {}, { adminToken: "adm1n" });
  const run = startConnector(
    t,
    settings(relay.url, target.url, "websocket", { connector_id: "edge-1" }),
  );
  await publish(relay, "1");
  await run.happened("settlement.confirmed");
  const [summary] = (await ask(relay, "/channels")).body;
  assert.deepEqual(
    [summary.name, summary.webhook_id, summary.ttl_seconds, summary.connected_clients],
    ["dev", "hook", 86_400, 1],
  );
  const { body } = await ask(relay, "/channels/dev");
  assert.equal(body.config.max_in_flight, 100);
  assert.equal(body.stats.messages_delivered, 1);
  const [client] = body.connected_clients;
  assert.deepEqual(
    [client.connector_id, client.protocol, client.messages_received, client.messages_acked],
    ["edge-1", "websocket", 1, 1],
  );
  assert.match(client.remote_ip, /127\.0\.0\.1$/);
  assert.equal((await ask(relay, "/overview")).body.channels[0].messages_delivered, 1);
  assert.equal((await ask(relay, "/channels/dev/stats")).body.connected_clients, 1);
  run.drain.abort();
  await run.ended;
  await publish(relay, "2");
  assert.deepEqual((await ask(relay, "/channels/dev/webhook-stats")).body, {
    channel: "dev",
    webhooks: { hook: { pending: 1 } },
  });
});

test("dead letters are shown with what was sent and why they are there", async (t) => {
  const target = await startTarget(t, () => 410);
  const relay = await startDevRelay(t, {}, { adminToken: "adm1n" });
  const run = startConnector(t, settings(relay.url, target.url, "websocket"));
  const id = await publish(relay, '{"a":1}');
  await run.happened("settlement.confirmed");
  const { body } = await ask(relay, "/channels/dev/dead-letters?limit=5");
  assert.equal(body.count, 1);
  const [letter] = body.messages;
  assert.deepEqual([letter.message_id, letter.payload, letter.state], [
    id,
    { a: 1 },
    "dead_lettered",
  ]);
  assert.match(letter.reason, /answered 410/);
  assert.equal((await ask(relay, "/channels/dev/dead-letters?limit=0")).status, 422);
});

test("of large dead letters the newest are shown, up to 16 MiB, each as it was sent", async (t) => {
  const target = await startTarget(t, () => 410);
  const relay = await startDevRelay(t, {}, { adminToken: "adm1n" });
  const run = startConnector(t, settings(relay.url, target.url, "websocket"));
  const bodyOf = (n: number) => `{"n":${n}.10,"pad":"`.padEnd(4 * 1024 * 1024 - 2, "x") + '"}';
  const ids: string[] = [];
  for (let n = 1; n <= 5; n++) {
    ids.push(await publish(relay, bodyOf(n)));
    await run.happened("settlement.confirmed", n);
  }
  const list = async (query: string) => {
    const path = `${relay.url}${base}/channels/dev/dead-letters${query}`;
    const text = await (await fetch(path, { headers: admin })).text();
    return { text, ...JSON.parse(text) };
  };
  const { text, count, truncated, messages } = await list("");
  assert.deepEqual([count, truncated], [4, true]);
  assert.deepEqual(
    messages.map((letter: { message_id: string }) => letter.message_id),
    ids.slice(1).toReversed(),
  );
  assert.ok(text.includes(`"payload":${bodyOf(5)}`));
  assert.equal((await list("?limit=4")).truncated, undefined);
});

test("a rotated token: the new one works, the old one until its grace is over, a webhook changes nothing", async (t) => {
  const relay = await startDevRelay(t, {}, { adminToken: "adm1n" });
  const rotate = (grace: unknown) =>
    ask(relay, "/channels/dev/rotate-token", asPost({ grace_period_seconds: grace }));
  const status = async (token: string) => {
    const response = await fetch(`${relay.url}/connect/status/dev`, {
      headers: { Authorization: `Bearer ${token}` },
    });
    await response.body?.cancel();
    return response.status;
  };
  const first = (await rotate(3_600)).body;
  assert.match(first.new_token, /^ch_tok_[0-9a-f]{48}$/);
  assert.deepEqual([await status("s3cret"), await status(first.new_token)], [200, 200]);
  const second = (await rotate(0)).body;
  await publish(relay, "1");
  assert.deepEqual(
    [await status("s3cret"), await status(first.new_token), await status(second.new_token)],
    [401, 401, 200],
  );
  assert.equal((await rotate("soon")).status, 422);
});

test("a grace of more than a year is refused before anything is rotated", async (t) => {
  const relay = await startDevRelay(t, {}, { adminToken: "adm1n" });
  const rotate = (seconds: number) =>
    ask(relay, "/channels/dev/rotate-token", asPost({ grace_period_seconds: seconds }));
  const tokens = () => relay.registry.named("dev")?.tokens.records.length;
  const refused = await rotate(1e13);
  assert.deepEqual([refused.status, tokens()], [422, 1]);
  assert.match(refused.body.detail, /0 to 31536000/);
  assert.equal((await rotate(365 * 86_400)).status, 200);
  assert.equal(tokens(), 2);
});

test("a connection can be ended: its socket is really closed, and the connector comes back", async (t) => {
  const relay = await startDevRelay(t, {}, { adminToken: "adm1n" });
  const run = startConnector(t, settings(relay.url, new URL("http://127.0.0.1:1/"), "websocket"));
  await run.happened("stream.connected");
  const [client] = (await ask(relay, "/channels/dev")).body.connected_clients;
  const end = (id: string) =>
    ask(relay, `/channels/dev/connections/${id}`, { method: "DELETE", headers: admin });
  assert.deepEqual((await end(client.connection_id)).body, {
    status: "disconnected",
    connection_id: client.connection_id,
  });
  await run.happened("stream.disconnected");
  await run.happened("stream.connected", 2);
  assert.equal((await end("wsc_0_0")).status, 404);
});

test("a channel made by the API takes webhooks at once and is there after a restart; its token is kept hashed", async (t) => {
  const folder = t.folder();
  const stores = sqliteStores({ folder, durability: "full" });
  const first = await startDevRelay(t, {}, { adminToken: "adm1n", stores });
  const create = (body: unknown) => ask(first, "/channels", asPost(body));
  const made = await create({ channel: "shop", webhook_ids: ["s1", "s2"], max_in_flight: 3 });
  assert.equal(made.status, 201);
  assert.match(made.body.token, /^ch_tok_/);
  assert.equal((await create({ channel: "shop", webhook_ids: ["s3"] })).status, 409);
  assert.equal((await create({ channel: "other", webhook_ids: ["hook"] })).status, 409);
  assert.equal((await create({ channel: "../x", webhook_ids: ["a"] })).status, 422);
  assert.equal((await create({ channel: "a", webhook_ids: [] })).status, 422);
  const large = await create({ channel: "a", webhook_ids: ["a"], max_message_bytes: 47_185_921 });
  assert.equal(large.status, 422);
  assert.match(large.body.detail, /^max_message_bytes: use at most 47185920: /);
  const posted = await fetch(`${first.url}/webhook/s2`, { method: "POST", body: "x" });
  await posted.body?.cancel();
  assert.equal(posted.status, 202);
  await first.stop(100);
  for (const file of ["relay.db", "relay.db-wal"]) {
    const path = join(folder, file);
    if (existsSync(path)) assert.ok(!readFileSync(path, "latin1").includes(made.body.token), file);
  }

  const second = await startDevRelay(t, {}, { adminToken: "adm1n", stores });
  const status = await fetch(`${second.url}/connect/status/shop`, {
    headers: { Authorization: `Bearer ${made.body.token}` },
  });
  assert.equal((await status.json()).stats.messages_queued, 1);
  assert.equal((await ask(second, "/channels/shop")).body.config.max_in_flight, 3);
});

test("a webhook id that a channel of the file has stays with it, whoever else was made with it, and that is told", async (t) => {
  const folder = t.folder();
  const stores = sqliteStores({ folder, durability: "full" });
  const first = await startDevRelay(t, { webhookIds: [] }, { adminToken: "adm1n", stores });
  const body = JSON.stringify({ channel: "made", webhook_ids: ["hook", "own"] });
  assert.equal(
    (await ask(first, "/channels", { method: "POST", headers: admin, body })).status,
    201,
  );
  await first.stop(100);

  const events: RelayEvent[] = [];
  const observe = (event: RelayEvent) => void events.push(event);
  const second = await startDevRelay(t, {}, { stores, observe });
  await publish(second, "x");
  assert.equal(second.registry.named("dev")?.channel.stats.queued, 1);
  assert.equal(second.registry.fedBy("own")?.channel.settings.name, "made");
  assert.deepEqual(
    events.filter(({ type }) => type === "relay.webhook_id_taken"),
    [{ type: "relay.webhook_id_taken", channel: "made", webhookId: "hook", by: "dev" }],
  );
});

test("of two that make a channel at once, or have one webhook id, one is told that it is there", async (t) => {
  const relay = await startDevRelay(t, {}, { adminToken: "adm1n" });
  const make = async (channel: string, webhookId: string) => {
    const body = JSON.stringify({ channel, webhook_ids: [webhookId] });
    return (await ask(relay, "/channels", { method: "POST", headers: admin, body })).status;
  };
  for (const two of [[["a", "1"], ["a", "2"]], [["b", "3"], ["c", "3"]]] as const) {
    const statuses = await Promise.all(two.map(([channel, webhookId]) => make(channel, webhookId)));
    assert.deepEqual(statuses.toSorted(), [201, 409]);
  }
});

test("two rotations in a row: every token is good until the grace it was given is over", async (t) => {
  const clock = new ManualClock(Date.now());
  const relay = await startDevRelay(t, {}, { adminToken: "adm1n", clock });
  const rotate = async () =>
    (await ask(relay, "/channels/dev/rotate-token", asPost({ grace_period_seconds: 60 }))).body
      .new_token;
  const status = async (token: string) => {
    const headers = { Authorization: `Bearer ${token}` };
    const response = await fetch(`${relay.url}/connect/status/dev`, { headers });
    await response.body?.cancel();
    return response.status;
  };
  const first = await rotate();
  await clock.advance(30_000);
  const second = await rotate();
  const all = () => Promise.all(["s3cret", first, second].map(status));
  assert.deepEqual(await all(), [200, 200, 200]);
  await clock.advance(30_000);
  assert.deepEqual(await all(), [401, 200, 200]);
  await clock.advance(30_000);
  assert.deepEqual(await all(), [401, 401, 200]);
});

test("a rotated token is not undone by a restart, also where the file still names the old one", async (t) => {
  const folder = t.folder();
  const stores = sqliteStores({ folder, durability: "full" });
  const first = await startDevRelay(t, {}, { adminToken: "adm1n", stores });
  const rotated = await ask(first, "/channels/dev/rotate-token", {
    method: "POST",
    headers: admin,
    body: '{"grace_period_seconds":0}',
  });
  await first.stop(100);
  const second = await startDevRelay(t, {}, { stores });
  const status = async (token: string) => {
    const response = await fetch(`${second.url}/connect/status/dev`, {
      headers: { Authorization: `Bearer ${token}` },
    });
    await response.body?.cancel();
    return response.status;
  };
  assert.deepEqual([await status("s3cret"), await status(rotated.body.new_token)], [401, 200]);
});

test("a revoked token closes the connections that came with it, at the end of its grace", async (t) => {
  const clock = new ManualClock();
  const relay = await startDevRelay(t, {}, { adminToken: "adm1n", clock });
  const { frame, closed } = await openSocket(t, relay);
  await frame(0);
  await ask(relay, "/channels/dev/rotate-token", {
    method: "POST",
    headers: admin,
    body: '{"grace_period_seconds":10}',
  });
  await clock.advance(9_000);
  assert.equal(relay.registry.named("dev")?.channel.subscribers.length, 1);
  await clock.advance(1_000);
  assert.equal(await closed, 4_001);
});

test("dead letters are replayed and purged", async (t) => {
  let status = 410;
  const target = await startTarget(t, () => status);
  const relay = await startDevRelay(t, {}, { adminToken: "adm1n" });
  const given = settings(relay.url, target.url, "websocket", { dedup_window: 0.001 });
  const run = startConnector(t, given);
  const ids = [await publish(relay, "1"), await publish(relay, "2")];
  await run.happened("settlement.confirmed", 2);
  status = 200;
  const replay = (message_ids: unknown) =>
    ask(relay, "/channels/dev/dead-letters/replay", asPost({ message_ids }));
  assert.deepEqual((await replay([ids[0], "msg_unknown"])).body, { replayed: 1 });
  await run.happened("delivery.succeeded");
  assert.equal(new TextDecoder().decode(target.got[2]?.body), "1");
  assert.equal((await replay("some")).status, 422);
  const purge = { method: "DELETE", headers: admin };
  assert.deepEqual((await ask(relay, "/channels/dev/dead-letters", purge)).body, { purged: 1 });
  assert.equal((await ask(relay, "/channels/dev/dead-letters")).body.count, 0);
});
