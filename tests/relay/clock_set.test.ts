/** Somebody sets the relay's clock, by hours: nothing waits for it, and nobody is silent because of it. */
import assert from "node:assert/strict";
import type { RelayEvent } from "../../src/relay/relay_events.ts";
import { sqliteStores } from "../../src/relay/sqlite/sqlite_stores.ts";
import { ManualClock, settle } from "../support/manual_clock.ts";
import { openSocket } from "../support/old_client.ts";
import { publish, startDevRelay } from "../support/rig.ts";
import { test } from "../support/test.ts";
import { turnsUntil } from "../support/turns_until.ts";

const back = -7_200_000;
const bearer = { Authorization: "Bearer s3cret" };

for (const kind of ["none", "channel"] as const) {
  test(`what a connection that ended had is given out at once, with the clock set back (ordering ${kind})`, async (t) => {
    const clock = new ManualClock();
    const relay = await startDevRelay(t, { ordering: { kind } }, { clock });
    const channel = relay.registry.named("dev")?.channel;
    const first = openSocket(t, relay);
    const id = await publish(relay, "1");
    assert.equal((await first.frame(1))["message_id"], id);
    first.socket.terminate();
    await turnsUntil(() => channel?.stats.inFlight === 0);
    clock.jump(back);
    const second = openSocket(t, relay);
    assert.equal((await second.frame(1))["message_id"], id);
  });
}

test("what was nacked waits as long as it should, whichever way the clock is set meanwhile", async (t) => {
  for (const jump of [back, -back]) {
    const clock = new ManualClock();
    const relay = await startDevRelay(t, {}, { clock });
    const channel = relay.registry.named("dev")?.channel;
    const { frame, say } = openSocket(t, relay);
    const id = await publish(relay, "1");
    await frame(1);
    say({ type: "nack", message_id: id });
    await turnsUntil(() => channel?.stats.inFlight === 0);
    clock.jump(jump);
    channel?.wake();
    await clock.advance(999);
    assert.equal(channel?.stats.inFlight, 0);
    await clock.advance(1);
    assert.equal((await frame(2))["message_id"], id);
  }
});

test("over a restart nothing waits longer than the TTL, however far back the clock was set", async (t) => {
  const stores = sqliteStores({ folder: t.folder(), durability: "full" });
  const before = new ManualClock();
  const channel = { ttlMs: 60_000, ackTimeoutMs: 1e6 };
  const relay = await startDevRelay(t, channel, { clock: before, stores });
  const { frame, say } = openSocket(t, relay);
  const ids = [await publish(relay, "nacked"), await publish(relay, "in hand")];
  await frame(2);
  say({ type: "nack", message_id: ids[0] });
  await turnsUntil(() => relay.registry.named("dev")?.channel.stats.inFlight === 1);
  await relay.stop(100);

  const clock = new ManualClock(before.now() + back);
  const again = await startDevRelay(t, channel, { clock, stores, heartbeatMs: 1e6 });
  const after = openSocket(t, again);
  assert.equal((await after.frame(1))["message_id"], ids[1]);
  await settle();
  await clock.advance(60_000);
  assert.equal((await after.frame(2))["message_id"], ids[0]);
});

test("an ack that was on its way when its connection ended counts for a minute of time that passed", async (t) => {
  const clock = new ManualClock();
  const relay = await startDevRelay(t, {}, { clock });
  const { frame, socket } = openSocket(t, relay, { ...bearer, "X-Connector-ID": "k1" });
  const messageId = await publish(relay, "1");
  await frame(1);
  socket.terminate();
  const channel = relay.registry.named("dev")?.channel;
  await turnsUntil(() => channel?.stats.inFlight === 0);
  clock.jump(-back);
  const ack = { messageId, connectionId: "", verdict: "ack" } as const;
  assert.equal(await channel?.settle(ack, "k1"), "settled");
});

test("a socket is not silent because the clock is set forward, and is when it is set back", async (t) => {
  const clock = new ManualClock();
  const relay = await startDevRelay(t, {}, { clock });
  const { frame, closed } = openSocket(t, relay);
  await frame(0);
  clock.jump(90_000);
  await clock.advance(30_000);
  assert.equal((await frame(1))["type"], "heartbeat");
  clock.jump(back);
  await clock.advance(60_000);
  assert.equal(await closed, 4_000);
});

test("so it is with an event stream that settles nothing", async (t) => {
  const clock = new ManualClock();
  const relay = await startDevRelay(t, { ackTimeoutMs: 1_000 }, { clock });
  const channel = relay.registry.named("dev")?.channel;
  const stream = await fetch(`${relay.url}/connect/stream/dev/sse`, { headers: bearer });
  await publish(relay, "1");
  await turnsUntil(() => channel?.stats.inFlight === 1);
  clock.jump(-back);
  await clock.advance(1_000);
  assert.equal(channel?.subscribers.length, 1);
  clock.jump(2 * back);
  await clock.advance(2_000);
  assert.equal(channel?.subscribers.length, 0);
  await stream.text();
});

test("how long it took to take a webhook in is not what the clock was set back meanwhile", async (t) => {
  class FallingBack extends ManualClock {
    override now(): number {
      this.jump(-1_000);
      return super.now();
    }
  }
  const events: RelayEvent[] = [];
  const observe = (event: RelayEvent) => void events.push(event);
  const relay = await startDevRelay(t, {}, { clock: new FallingBack(), observe });
  await publish(relay, "x");
  const took = events.flatMap((event) =>
    event.type === "relay.ingested" ? [event.durationMs, event.storeMs] : []
  );
  assert.deepEqual(took, [0, 0]);
});
