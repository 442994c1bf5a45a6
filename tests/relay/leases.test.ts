/** Leases, on a clock that is moved by hand. */
import assert from "node:assert/strict";
import { ManualClock } from "../support/manual_clock.ts";
import { openSocket } from "../support/old_client.ts";
import { publish, startDevRelay } from "../support/rig.ts";
import { test } from "../support/test.ts";
import { turnsUntil } from "../support/turns_until.ts";

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
