/** Leases, on a clock that is moved by hand. */
import assert from "node:assert/strict";
import type { Relay } from "../../src/relay/relay.ts";
import { ManualClock, settle } from "../support/manual_clock.ts";
import { type Json, openSocket } from "../support/old_client.ts";
import { openRaw, type RawClient } from "../support/raw_client.ts";
import { publish, startDevRelay } from "../support/rig.ts";
import { test } from "../support/test.ts";
import { turnsUntil } from "../support/turns_until.ts";

const bearer = { Authorization: "Bearer s3cret" };

async function ask(
  relay: Relay,
  path: string,
  body: unknown,
  headers: Record<string, string>,
): Promise<Json> {
  const answer = await fetch(`${relay.url}${path}`, {
    method: "POST",
    headers,
    body: JSON.stringify(body),
  });
  return { status: answer.status, ...await answer.json() };
}

test("a message that is not acknowledged in time is given out again, and after ten times put away", async (t) => {
  const clock = new ManualClock();
  const relay = await startDevRelay(t, { ackTimeoutMs: 1_000, maxDeliveries: 3 }, { clock });
  const { frame, say } = await openSocket(t, relay);
  await frame(0);
  const id = await publish(relay, "1");
  for (let n = 1; n <= 3; n++) {
    assert.equal((await frame(n))["message_id"], id);
    await clock.advance(1_000);
  }
  const channel = relay.registry.named("dev")?.channel;
  const [letter] = await channel?.deadLetters(1) ?? [];
  assert.equal(letter?.message.envelope.id, id);
  assert.match(letter?.reason ?? "", /given up after 3 deliveries: not acknowledged in time/);
  say({ type: "ack", message_id: id });
  assert.equal(channel?.stats.queued, 0);
});

test("connections that end with a message in hand say nothing against it: it is not put away for them", async (t) => {
  const clock = new ManualClock();
  const relay = await startDevRelay(t, { ackTimeoutMs: 1_000, maxDeliveries: 2 }, { clock });
  const id = await publish(relay, "1");
  const channel = relay.registry.named("dev")?.channel;
  for (let n = 1; n <= 5; n++) {
    const { frame, socket } = openSocket(t, relay);
    assert.equal((await frame(1))["message_id"], id);
    socket.close();
    await turnsUntil(() => channel?.stats.inFlight === 0);
  }
  const { frame, say } = openSocket(t, relay);
  await frame(1);
  await clock.advance(1_000);
  assert.equal((await frame(2))["message_id"], id);
  say({ type: "ack", message_id: id });
  await turnsUntil(() => channel?.stats.delivered === 1);
});

test("a nack with retry comes back after a delay that grows: no hot loop", async (t) => {
  const clock = new ManualClock();
  const relay = await startDevRelay(t, {}, { clock });
  const { frame, say } = await openSocket(t, relay);
  await frame(0);
  const id = await publish(relay, "1");
  const waits: number[] = [];
  for (let n = 1; n <= 4; n++) {
    await frame(n);
    const nackedAt = clock.now();
    say({ type: "nack", message_id: id });
    const channel = relay.registry.named("dev")?.channel;
    await turnsUntil(() => channel?.stats.inFlight === 0);
    for (let second = 0; channel?.stats.inFlight === 0 && second < 100; second++) {
      await clock.advance(1_000);
    }
    waits.push(clock.now() - nackedAt);
  }
  assert.deepEqual(waits, [1_000, 2_000, 4_000, 8_000]);
});

test("messages go to the connection with the fewest unsettled, and a full window gets none", async (t) => {
  const relay = await startDevRelay(t, { maxInFlight: 2 });
  const one = await openSocket(t, relay);
  await one.frame(0);
  const two = await openSocket(t, relay);
  await two.frame(0);
  const ids = [];
  for (let i = 0; i < 6; i++) ids.push(await publish(relay, String(i)));
  await Promise.all([one.frame(2), two.frame(2)]);
  const channel = relay.registry.named("dev")?.channel;
  assert.deepEqual([channel?.stats.inFlight, channel?.stats.queued], [4, 2]);
  one.say({ type: "ack", message_id: (await one.frame(1))["message_id"] });
  assert.equal((await one.frame(3))["message_id"], ids[4]);
});

test("a socket that answers no heartbeat for three intervals is closed, really", async (t) => {
  const clock = new ManualClock();
  const relay = await startDevRelay(t, {}, { clock });
  const { frame, closed } = await openSocket(t, relay);
  await frame(0);
  for (let n = 1; n <= 2; n++) {
    await clock.advance(30_000);
    assert.equal((await frame(n))["type"], "heartbeat");
  }
  await clock.advance(30_000);
  assert.equal(await closed, 4_000);
  assert.equal(relay.registry.named("dev")?.channel.subscribers.length, 0);
});

const endings: Record<
  string,
  (parts: { relay: Relay; clock: ManualClock; mute: RawClient; id: string }) => Promise<unknown>
> = {
  "silent for three heartbeats": ({ clock }) => clock.advance(90_000),
  "ended by an administrator": ({ relay, id }) =>
    fetch(`${relay.url}/admin/webhook-connect/channels/dev/connections/${id}`, {
      method: "DELETE",
      headers: { Authorization: "Bearer adm1n" },
    }).then((response) => response.text()),
  "that sent bytes": async ({ relay, mute }) => {
    mute.write(Uint8Array.of(0x82, 0x81, 0, 0, 0, 0, 0x78));
    await turnsUntil(() => relay.registry.named("dev")?.channel.subscribers.length === 0);
  },
};

for (const [name, end] of Object.entries(endings)) {
  test(`a socket ${name}: what it had goes to another, should it never answer the close`, async (t) => {
    const clock = new ManualClock();
    const relay = await startDevRelay(t, { ackTimeoutMs: 1e9 }, { clock, adminToken: "adm1n" });
    const mute = await openRaw(
      t,
      relay.url,
      "GET /connect/stream/dev HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer s3cret\r\n" +
        "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n" +
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
    );
    const id = await publish(relay, "1");
    await mute.answered(new RegExp(id));
    const channel = relay.registry.named("dev")?.channel;
    await end({ relay, clock, mute, id: channel?.subscribers[0]?.connectionId ?? "" });
    assert.equal(channel?.subscribers.length, 0);
    const other = openSocket(t, relay);
    assert.equal((await other.frame(1))["message_id"], id);
  });
}

test("what is not acknowledged by the end of a poll stays leased, and comes again after the ack timeout", async (t) => {
  const clock = new ManualClock();
  const relay = await startDevRelay(t, { ackTimeoutMs: 5_000 }, { clock });
  const poll = async () => {
    const response = await fetch(`${relay.url}/connect/stream/dev/poll?timeout=1`, {
      headers: { Authorization: "Bearer s3cret" },
    });
    return response.status === 204 ? [] : (await response.json()).messages;
  };
  const id = await publish(relay, "1");
  assert.equal((await poll())[0].message_id, id);
  const empty = poll();
  await turnsUntil(() => relay.registry.named("dev")?.channel.subscribers.length === 1);
  await clock.advance(1_000);
  assert.deepEqual(await empty, []);
  await clock.advance(4_000);
  const [again] = await poll();
  assert.equal(again.message_id, id);
});

test("a lease that is extended begins anew; what another connector has, or nobody, is left alone", async (t) => {
  const clock = new ManualClock();
  const relay = await startDevRelay(t, { ackTimeoutMs: 1_000 }, { clock });
  const { frame } = await openSocket(t, relay, { ...bearer, "X-Connector-ID": "k1" });
  const { connection_id, ack_timeout_seconds } = await frame(0);
  assert.equal(ack_timeout_seconds, 1);
  const ids = [await publish(relay, "1"), await publish(relay, "2")];
  await frame(2);
  const extend = (connectorId: string, body: unknown, token = "s3cret") =>
    ask(relay, "/connect/extend", body, {
      "Authorization": `Bearer ${token}`,
      "X-Connection-ID": String(connection_id),
      "X-Connector-ID": connectorId,
    });
  const first = { message_ids: [ids[0], "unknown"] };
  for (let n = 0; n < 3; n++) {
    await clock.advance(900);
    assert.deepEqual(await extend("k2", first), { status: 200, extended: 0 });
    assert.deepEqual(await extend("k1", first), { status: 200, extended: 1 });
    if (n === 0) await clock.advance(100); // the other is over
    assert.equal((await frame(3))["message_id"], ids[1]);
  }
  const none = Array.from({ length: 10_000 }, (_, n) => `m${n}`);
  assert.deepEqual(await extend("k1", { message_ids: none }), { status: 200, extended: 0 });
  for (const bad of [{}, { message_ids: "a" }, { message_ids: [...none, "m"] }]) {
    assert.equal((await extend("k1", bad)).status, 422);
  }
  assert.equal((await extend("k1", first, "wrong")).status, 401);
});

test("what was settled or has expired is not extended", async (t) => {
  const clock = new ManualClock();
  const relay = await startDevRelay(t, { ackTimeoutMs: 1_000, maxDeliveries: 1 }, { clock });
  const { frame } = await openSocket(t, relay, { ...bearer, "X-Connector-ID": "k1" });
  await frame(0);
  const channel = relay.registry.named("dev")?.channel;
  const [acked, expired] = [await publish(relay, "1"), await publish(relay, "2")];
  await frame(2);
  await channel?.settle({ messageId: acked, connectionId: "", verdict: "ack" }, "k1");
  await clock.advance(1_000);
  const timers = clock.pending;
  assert.equal(await channel?.extend([acked, expired], "k1"), 0);
  assert.equal(clock.pending, timers);
  assert.deepEqual([channel?.stats.delivered, channel?.stats.deadLettered], [1, 1]);
});

test("what is given back untried comes again after its delay, is not counted, and says why", async (t) => {
  const clock = new ManualClock();
  const relay = await startDevRelay(t, { maxDeliveries: 2 }, { clock });
  const headers = { ...bearer, "X-Connector-Capabilities": "exact-body, extend" };
  const { frame, say } = await openSocket(t, relay, headers);
  await frame(0);
  const channel = relay.registry.named("dev")?.channel;
  const id = await publish(relay, "1");
  const nack = { type: "nack", message_id: id, retry: true };
  let frames = 0;
  const given = async (how: Json, waitMs: number) => {
    assert.equal((await frame(++frames))["message_id"], id);
    say({ ...nack, ...how });
    await turnsUntil(() => channel?.stats.inFlight === 0);
    await clock.advance(waitMs - 1);
    assert.equal(channel?.stats.inFlight, 0);
    await clock.advance(1);
  };
  for (let n = 0; n < 4; n++) {
    await given({ attempted: false }, 1_000);
    assert.equal((await frame(frames + 1))["delivery_count"], 1);
  }
  await given({ attempted: false, delay_seconds: 3 }, 3_000);
  await given({ attempted: true, reason: "it said 500" }, 1_000);
  assert.equal((await frame(frames + 1))["delivery_count"], 2);
  await given({ attempted: false, reason: "stopping" }, 1_000);
  await frame(++frames);
  say({ ...nack, reason: "it said 502" });
  await turnsUntil(() => channel?.stats.deadLettered === 1);
  const [letter] = await channel?.deadLetters(1) ?? [];
  assert.deepEqual(letter?.history.map(({ reason }) => reason), [
    "it said 500",
    "stopping",
    "given up after 2 deliveries: it said 502",
  ]);
});

test("/connect/acks takes what was given back untried", async (t) => {
  const clock = new ManualClock();
  const relay = await startDevRelay(t, { maxDeliveries: 1 }, { clock });
  const { frame } = await openSocket(t, relay);
  const { connection_id } = await frame(0);
  const id = await publish(relay, "1");
  await frame(1);
  const nacks = [{ message_id: id, retry: true, attempted: false }];
  const headers = { ...bearer, "X-Connection-ID": String(connection_id) };
  const { results } = await ask(relay, "/connect/acks", { nacks }, headers);
  assert.deepEqual(results, [{ message_id: id, status: "settled" }]);
  await clock.advance(1_000);
  assert.equal((await frame(2))["message_id"], id);
});

test("an ack that was on its way when its connection ended counts for a minute, from the same connector alone", async (t) => {
  const clock = new ManualClock();
  const relay = await startDevRelay(t, {}, { clock });
  const { frame, socket } = await openSocket(t, relay, { ...bearer, "X-Connector-ID": "k1" });
  await frame(0);
  const ids = [await publish(relay, "1"), await publish(relay, "2"), await publish(relay, "3")];
  await frame(3);
  socket.terminate();
  const channel = relay.registry.named("dev")?.channel;
  await turnsUntil(() => channel?.stats.inFlight === 0);
  const ack = (id: string | undefined, connectorId: string) =>
    ask(relay, "/connect/acks", { acks: [id] }, {
      ...bearer,
      "X-Connection-ID": "of before",
      "X-Connector-ID": connectorId,
    });
  const status = async (id: string | undefined, connectorId: string) =>
    ((await ack(id, connectorId))["results"] as Json[])[0]?.["status"];
  assert.equal(await status(ids[0], "k2"), "unknown");
  assert.equal(await status(ids[0], "k1"), "settled");
  assert.equal(await status(ids[0], "k1"), "unknown");
  await clock.advance(60_000);
  assert.equal(await status(ids[1], "k1"), "settled");
  await clock.advance(1);
  assert.equal(await status(ids[2], "k1"), "unknown");
  assert.deepEqual([channel?.stats.delivered, channel?.stats.queued], [2, 1]);
});

test("in an ordered channel the next goes out as soon as a late ack has settled the one before", async (t) => {
  const relay = await startDevRelay(t, { ordering: { kind: "channel" } });
  const { frame, socket } = await openSocket(t, relay, { ...bearer, "X-Connector-ID": "k1" });
  await frame(0);
  const [first, second] = [await publish(relay, "1"), await publish(relay, "2")];
  assert.equal((await frame(1))["message_id"], first);
  socket.terminate();
  const channel = relay.registry.named("dev")?.channel;
  assert.ok(channel);
  await turnsUntil(() => channel.subscribers.length === 0 && channel.stats.inFlight === 0);
  const settled = channel.settle({ messageId: first, connectionId: "", verdict: "ack" }, "k1");
  const handed: string[] = [];
  channel.subscribe({
    connectionId: "c2",
    connectorId: "k2",
    protocol: "sse",
    connectedAt: 0,
    remoteAddress: "",
    tokenHash: "",
    heardAt: () => 0,
    window: { messages: 10, bytes: Infinity },
    keepsLeases: false,
    hand: ({ id }) => void handed.push(id),
    disconnect() {},
  });
  assert.equal(await settled, "settled");
  await settle();
  assert.deepEqual(handed, [second]);
});
