/** Tokens that are rotated: which are good, and what becomes of the connections that came with them. */
import assert from "node:assert/strict";
import type { Relay } from "../../src/relay/relay.ts";
import { sqliteStores } from "../../src/relay/sqlite/sqlite_stores.ts";
import { ManualClock } from "../support/manual_clock.ts";
import { startNode } from "../support/nats_node.ts";
import { onNats, startNats } from "../support/nats_server.ts";
import { openSocket } from "../support/old_client.ts";
import { startDevRelay } from "../support/rig.ts";
import { test, type TestContext } from "../support/test.ts";

async function rotate(relay: Relay, graceSeconds: number): Promise<string> {
  const response = await fetch(`${relay.url}/admin/webhook-connect/channels/dev/rotate-token`, {
    method: "POST",
    headers: { Authorization: "Bearer adm1n" },
    body: JSON.stringify({ grace_period_seconds: graceSeconds }),
  });
  assert.equal(response.status, 200);
  return (await response.json()).new_token;
}

const withToken = (token: string) => ({ Authorization: `Bearer ${token}` });
const readers = (relay: Relay) => relay.registry.named("dev")?.channel.subscribers.length;

/** A socket that is open. */
async function socketWith(t: TestContext, relay: Relay, token: string) {
  const socket = openSocket(t, relay, withToken(token));
  await socket.frame(0);
  return socket;
}

test("the end of a grace closes what came with the tokens that are over then, not with newer ones", async (t) => {
  const clock = new ManualClock();
  const relay = await startDevRelay(t, {}, { adminToken: "adm1n", clock, heartbeatMs: 1e6 });
  const ofFile = await socketWith(t, relay, "s3cret");
  const first = await rotate(relay, 60);
  const ofFirst = await socketWith(t, relay, first);
  await clock.advance(30_000);
  const second = await rotate(relay, 60);
  await socketWith(t, relay, second);
  await clock.advance(30_000);
  assert.equal(await ofFile.closed, 4_001);
  assert.equal(readers(relay), 2);
  await clock.advance(30_000);
  assert.equal(await ofFirst.closed, 4_001);
  assert.equal(readers(relay), 1);
});

test("a grace that began before a restart closes at its end what came with the old token", async (t) => {
  const clock = new ManualClock();
  const stores = sqliteStores({ folder: t.folder(), durability: "full" });
  const before = await startDevRelay(t, {}, { adminToken: "adm1n", clock, stores });
  const token = await rotate(before, 10);
  await before.stop(100);
  const relay = await startDevRelay(t, {}, { clock, stores });
  const ofOld = await socketWith(t, relay, "s3cret");
  await socketWith(t, relay, token);
  await clock.advance(9_000);
  assert.equal(readers(relay), 2);
  await clock.advance(1_000);
  assert.equal(await ofOld.closed, 4_001);
  assert.equal(readers(relay), 1);
});

test("of two rotations at once both tokens are good", async (t) => {
  const relay = await startDevRelay(t, {}, { adminToken: "adm1n" });
  const tokens = await Promise.all([rotate(relay, 60), rotate(relay, 60)]);
  for (const token of tokens) {
    const status = await fetch(`${relay.url}/connect/status/dev`, { headers: withToken(token) });
    await status.body?.cancel();
    assert.equal(status.status, 200);
  }
});

onNats("a relay that starts while a grace lasts elsewhere ends it, too", async (t) => {
  const nats = await startNats(t);
  const { relay: here, admin } = await startNode(t, nats);
  const made = await (await admin("/channels", { channel: "late", webhook_ids: ["late-hook"] }))
    .json();
  await admin("/channels/late/rotate-token", { grace_period_seconds: 3_600 });
  await here.stop(1_000);
  const clock = new ManualClock(Date.now());
  const { relay } = await startNode(t, nats, undefined, clock);
  const stream = await fetch(`${relay.url}/connect/stream/late/sse`, {
    headers: withToken(made.token),
  });
  assert.equal(stream.status, 200);
  assert.equal(relay.registry.named("late")?.channel.subscribers.length, 1);
  await clock.advance(3_600_000);
  assert.equal(relay.registry.named("late")?.channel.subscribers.length, 0);
  await stream.text();
});
