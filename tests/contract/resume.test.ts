/** What a connector has in hand stays its own while it is away for a moment: the others of its channel do not get it. */
import assert from "node:assert/strict";
import type { RelayEvent } from "../../src/relay/relay_events.ts";
import { ManualClock } from "../support/manual_clock.ts";
import { type Json, openSocket } from "../support/old_client.ts";
import { publish, settings, startConnector, startDevRelay, startTarget } from "../support/rig.ts";
import { test } from "../support/test.ts";
import { turnsUntil } from "../support/turns_until.ts";

for (const protocol of ["websocket", "sse"] as const) {
  test(`[${protocol}] a connector that connects anew finishes what it has: nobody else gets it, nor it again`, async (t) => {
    const events: RelayEvent[] = [];
    const relay = await startDevRelay(t, {}, { observe: (event) => void events.push(event) });
    const gate = Promise.withResolvers<void>();
    const [first, second] = [
      await startTarget(t, () => gate.promise.then(() => 200)),
      await startTarget(t),
    ];
    const given = settings(relay.url, first.url, protocol);
    const run = startConnector(t, given);
    await run.happened("stream.connected");
    const ids = [await publish(relay, "1"), await publish(relay, "2")];
    await first.arrived(2);
    const other = startConnector(t, settings(relay.url, second.url, protocol));
    await other.happened("stream.connected");
    const source = { ...given.source, heartbeatTimeoutMs: 40_000 };
    assert.equal(run.connector.apply({ ...given, source }), true);
    await run.happened("stream.connected", 2);
    gate.resolve();
    await run.happened("settlement.confirmed", 2);
    const handedOut = events.flatMap((event) =>
      event.type === "relay.handed_out" ? [event.messageId] : []
    );
    assert.deepEqual(handedOut, ids);
    assert.equal(second.got.length, 0);
    assert.equal(relay.registry.named("dev")?.channel.stats.delivered, 2);
  });

  test(`[${protocol}] a nack that could not be told counts when the connector is back`, async (t) => {
    const clock = new ManualClock();
    const events: RelayEvent[] = [];
    const relay = await startDevRelay(t, { maxDeliveries: 1 }, {
      clock,
      adminToken: "adm1n",
      observe: (event) => void events.push(event),
    });
    const gate = Promise.withResolvers<void>();
    const target = await startTarget(t, () => gate.promise.then(() => 503));
    const retry = { default_target: { retry_enabled: false } };
    const run = startConnector(t, settings(relay.url, target.url, protocol, retry), { clock });
    await run.happened("stream.connected");
    await publish(relay, "1");
    await target.arrived(1);
    const { channel } = relay.registry.named("dev") ?? {};
    const [connection] = channel?.subscribers ?? [];
    const path = `/admin/webhook-connect/channels/dev/connections/${connection?.connectionId}`;
    const cut = await fetch(relay.url + path, {
      method: "DELETE",
      headers: { Authorization: "Bearer adm1n" },
    });
    await cut.body?.cancel();
    await run.happened("stream.disconnected");
    gate.resolve();
    await run.happened("delivery.failed");
    // The wait before it connects again is a tenth of a second at the most.
    for (let n = 0; n < 20; n++) await clock.advance(10);
    await run.happened("stream.connected", 2);
    await turnsUntil(() => channel?.stats.deadLettered === 1);
    assert.equal(events.filter(({ type }) => type === "relay.handed_out").length, 1);
  });
}

const headers = (connectorId: string) => ({
  "Authorization": "Bearer s3cret",
  "X-Connector-ID": connectorId,
  "X-Connector-Capabilities": "exact-body, extend, resume",
});

async function twoSockets(t: Parameters<typeof openSocket>[0]) {
  const clock = new ManualClock();
  const relay = await startDevRelay(t, { maxDeliveries: 1 }, { clock });
  const gone = openSocket(t, relay, headers("k1"));
  const { capabilities } = await gone.frame(0);
  assert.deepEqual(capabilities, ["exact-body", "extend", "resume"]);
  const ids = [await publish(relay, "1"), await publish(relay, "2")];
  await gone.frame(2);
  const other = openSocket(t, relay, headers("k2"));
  await other.frame(0);
  gone.socket.terminate();
  const { channel } = relay.registry.named("dev") ?? {};
  assert.ok(channel);
  await turnsUntil(() => channel.subscribers.length === 1);
  return { clock, relay, channel, ids, other };
}

const idsOf = (frames: readonly Json[]) => frames.map((frame) => frame["message_id"]);

test("a connector that does not come back within ten seconds loses what it had to another, uncounted", async (t) => {
  const { clock, channel, ids, other } = await twoSockets(t);
  await clock.advance(9_999);
  assert.equal(channel.connections[0]?.received, 0);
  await clock.advance(1);
  const frames = [await other.frame(1), await other.frame(2)];
  assert.deepEqual(idsOf(frames).sort(), [...ids].sort());
  assert.deepEqual(frames.map((frame) => frame["delivery_count"]), [1, 1]);
});

test("one that comes back says what it still has: that is its own, the rest goes out at once", async (t) => {
  const { clock, relay, channel, ids: [kept, lost], other } = await twoSockets(t);
  const back = openSocket(t, relay, headers("k1"));
  await back.frame(0);
  back.say({ type: "extend", message_ids: [kept], all: true });
  assert.equal((await other.frame(1))["message_id"], lost);
  const held = () => channel.connections.map(({ inFlight }) => inFlight);
  await turnsUntil(() => held().join() === "1,1");
  // From then on the ack timeout counts.
  await clock.advance(29_999);
  assert.deepEqual(held(), [1, 1]);
  back.say({ type: "ack", message_id: kept });
  await turnsUntil(() => channel.stats.delivered === 1);
});

test("what another connector says it has lets go of nothing", async (t) => {
  const { clock, channel, ids, other } = await twoSockets(t);
  other.say({ type: "extend", message_ids: [ids[0]], all: true });
  other.say({ type: "drain" });
  assert.equal((await other.frame(1))["type"], "goodbye");
  await clock.advance(9_999);
  assert.equal(channel.stats.inFlight, 2);
  assert.equal(channel.connections[0]?.inFlight, 0);
});
