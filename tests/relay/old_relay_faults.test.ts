/** What the old relay got wrong and no other test shows right of ours; docs/GUARANTEES.md has the whole list. */
import assert from "node:assert/strict";
import { ManualClock } from "../support/manual_clock.ts";
import { openSocket } from "../support/old_client.ts";
import { publish, settings, startConnector, startDevRelay, startTarget } from "../support/rig.ts";
import { test } from "../support/test.ts";
import { turnsUntil } from "../support/turns_until.ts";

const bearer = { Authorization: "Bearer s3cret" };

test("a channel takes its connectors before the first webhook has come", async (t) => {
  const relay = await startDevRelay(t);
  const { frame } = openSocket(t, relay);
  assert.equal((await frame(0))["type"], "connected");
  const status = await fetch(`${relay.url}/connect/status/dev`, { headers: bearer });
  await status.body?.cancel();
  assert.equal(status.status, 200);
});

for (const protocol of ["websocket", "sse", "long_poll"] as const) {
  test(`[${protocol}] a body that is no text reaches the target byte for byte`, async (t) => {
    const target = await startTarget(t);
    const relay = await startDevRelay(t);
    const run = startConnector(t, settings(relay.url, target.url, protocol));
    const body = Uint8Array.from({ length: 1_024 }, (_, n) => (n * 167) % 256);
    const answer = await fetch(`${relay.url}/webhook/hook`, {
      method: "POST",
      headers: { "Content-Type": "application/octet-stream" },
      body,
    });
    await answer.body?.cancel();
    assert.equal(answer.status, 202);
    await run.happened("settlement.confirmed");
    assert.deepEqual([...target.got[0]?.body ?? []], [...body]);
  });
}

test("a socket that closes makes room for the next at once, also on a full channel", async (t) => {
  // Its clock stands still: nothing here waits for a time to pass.
  const relay = await startDevRelay(t, { maxConnections: 1 }, { clock: new ManualClock() });
  for (let n = 0; n < 12; n++) {
    const { frame, socket } = openSocket(t, relay);
    assert.equal((await frame(0))["type"], "connected");
    socket.terminate();
    await turnsUntil(() => relay.registry.named("dev")?.channel.subscribers.length === 0);
  }
});

test("while nobody is connected nothing is tried and nothing counted", async (t) => {
  const clock = new ManualClock();
  const relay = await startDevRelay(t, { maxDeliveries: 1 }, { clock });
  const id = await publish(relay, "x");
  await clock.advance(3_600_000);
  const { frame } = openSocket(t, relay, { ...bearer, "X-Connector-Capabilities": "exact-body" });
  assert.deepEqual(
    [(await frame(0))["oldest_age_seconds"], (await frame(1))["message_id"]],
    [3_600, id],
  );
  assert.equal((await frame(1))["delivery_count"], 1);
  assert.equal(relay.registry.named("dev")?.channel.stats.deadLettered, 0);
});

test("keys that look secret come through as they were sent, in the payload and in the headers", async (t) => {
  const relay = await startDevRelay(t);
  const { frame } = openSocket(t, relay);
  await frame(0);
  const payload = { author: "a", monkey: "b", password: "c", nested: [{ token: "d" }] };
  const answer = await fetch(`${relay.url}/webhook/hook`, {
    method: "POST",
    headers: { "X-Api-Key": "e", "Authorization": "Basic f" },
    body: JSON.stringify(payload),
  });
  await answer.body?.cancel();
  const webhook = await frame(1);
  assert.deepEqual(webhook["payload"], payload);
  const headers = webhook["headers"] as Record<string, string>;
  assert.deepEqual([headers["x-api-key"], headers["authorization"]], ["e", "Basic f"]);
});

test("the status of a channel says whether somebody is connected", async (t) => {
  const relay = await startDevRelay(t);
  const isConnected = async () => {
    const answer = await fetch(`${relay.url}/connect/status/dev`, { headers: bearer });
    return (await answer.json()).connected;
  };
  assert.equal(await isConnected(), false);
  const { frame } = openSocket(t, relay);
  await frame(0);
  assert.equal(await isConnected(), true);
});

test("the window of a connector that polls counts what its polls before left unsettled", async (t) => {
  const relay = await startDevRelay(t, { maxInFlight: 2 });
  for (let n = 0; n < 5; n++) await publish(relay, String(n));
  const headers = { ...bearer, "X-Connector-ID": "k1" };
  const poll = async () => {
    const answer = await fetch(`${relay.url}/connect/stream/dev/poll?timeout=1`, { headers });
    if (answer.status === 204) return [];
    return (await answer.json()).messages.map(({ message_id }: { message_id: string }) =>
      message_id
    );
  };
  const held = await poll();
  assert.equal(held.length, 2);
  assert.deepEqual(await poll(), []);
  const ack = await fetch(`${relay.url}/connect/ack?message_id=${held[0]}`, {
    method: "POST",
    headers: { ...headers, "X-Connection-ID": "of before" },
  });
  await ack.body?.cancel();
  assert.equal((await poll()).length, 1);
});
