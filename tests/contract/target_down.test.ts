/** A target that is down for long, with everything at its defaults: nothing is held against its webhooks. */
import assert from "node:assert/strict";
import { ManualClock } from "../support/manual_clock.ts";
import {
  publish,
  type Running,
  settings,
  startConnector,
  startDevRelay,
  startTarget,
} from "../support/rig.ts";
import type { RelayEvent } from "../../src/relay/relay_events.ts";
import { test } from "../support/test.ts";
import { turnsUntil } from "../support/turns_until.ts";

const minuteMs = 60_000;
const stepMs = 2_000;
const byDefault = { retry_delay_seconds: null, retry_max_delay_seconds: null };

/** Lets the time pass for relay and connector alike, with turns of the event loop for what goes over sockets. */
async function pass(clock: ManualClock, ms: number): Promise<void> {
  for (let passed = 0; passed < ms; passed += stepMs) {
    await clock.advance(stepMs);
    let turns = 0;
    await turnsUntil(() => turns++ >= 2);
  }
}

function count(run: Running, type: string): number {
  return run.events.filter((event) => event.type === type).length;
}

test("a lone webhook outlives forty minutes of 503, and is delivered once when the target is back", async (t) => {
  let isDown = true;
  let taken = 0;
  const target = await startTarget(t, () => {
    if (isDown) return 503;
    taken++;
    return 200;
  });
  const clock = new ManualClock();
  const relay = await startDevRelay(t, {}, { clock });
  const given = settings(relay.url, target.url, "websocket", { default_target: byDefault });
  const run = startConnector(t, given, { clock });
  await publish(relay, "x");
  await pass(clock, 40 * minuteMs);
  assert.ok(target.got.length > 40, `tried ${target.got.length} times`);
  isDown = false;
  await pass(clock, 5 * minuteMs);
  const { delivered, deadLettered } = relay.registry.named("dev")?.channel.stats ?? {};
  assert.deepEqual({ taken, delivered, deadLettered }, { taken: 1, delivered: 1, deadLettered: 0 });
  assert.equal(run.journal.deadLetters.count, 0);
});

test("a lone webhook that is never taken is a dead letter of the relay when its time is over", async (t) => {
  const target = await startTarget(t, () => 503);
  const clock = new ManualClock();
  const events: RelayEvent[] = [];
  const observe = (event: RelayEvent) => events.push(event);
  const relay = await startDevRelay(t, { ttlMs: 30 * minuteMs }, { clock, observe });
  const given = settings(relay.url, target.url, "websocket", { default_target: byDefault });
  startConnector(t, given, { clock });
  await publish(relay, "x");
  await pass(clock, 40 * minuteMs);
  const channel = relay.registry.named("dev")?.channel;
  const { queued, inFlight, expired } = channel?.stats ?? {};
  assert.deepEqual({ queued, inFlight, expired }, { queued: 0, inFlight: 0, expired: 1 });
  const [letter] = await channel?.deadLetters(1) ?? [];
  assert.match(letter?.reason ?? "", /^expired before it was delivered: .*503/);
  assert.deepEqual(events.filter(({ type }) => type === "relay.expired"), [
    { type: "relay.expired", channel: "dev", messages: 1 },
  ]);
  assert.equal(await channel?.replay("all"), 1);
});

test("a webhook that its target never takes is counted as ever, while the target takes others", async (t) => {
  const target = await startTarget(
    t,
    (_, { body }) => new TextDecoder().decode(body) === "never" ? 503 : 200,
  );
  const clock = new ManualClock();
  const relay = await startDevRelay(t, {}, { clock });
  const given = settings(relay.url, target.url, "websocket", { default_target: byDefault });
  const run = startConnector(t, given, { clock });
  await publish(relay, "never");
  for (let minute = 0; minute < 30; minute++) {
    await publish(relay, String(minute));
    await pass(clock, minuteMs);
  }
  const { delivered, deadLettered } = relay.registry.named("dev")?.channel.stats ?? {};
  assert.deepEqual({ delivered, deadLettered }, { delivered: 30, deadLettered: 1 });
  assert.equal(count(run, "delivery.succeeded"), 30);
});

test("a stop in the middle of the retries at a target that is down counts for nothing at the relay", async (t) => {
  const target = await startTarget(t, () => 503);
  const relay = await startDevRelay(t, { maxDeliveries: 1 });
  const slow = { retry_delay_seconds: 60, retry_max_delay_seconds: 60 };
  const run = startConnector(
    t,
    settings(relay.url, target.url, "websocket", {
      default_target: { ...slow, breaker: { consecutive_failures: 1 } },
    }),
  );
  await publish(relay, "x");
  await run.happened("delivery.retrying");
  run.drain.abort();
  assert.deepEqual(await run.ended, { abandoned: 1 });
  const { queued, deadLettered } = relay.registry.named("dev")?.channel.stats ?? {};
  assert.deepEqual({ queued, deadLettered }, { queued: 1, deadLettered: 0 });
});

for (const ack of ["any", "primary"]) {
  test(`ack: ${ack}: a target that is down and does not count keeps no webhook from being acknowledged`, async (t) => {
    const count = 30;
    const well = await startTarget(t);
    const down = await startTarget(t, () => 503);
    const clock = new ManualClock();
    const relay = await startDevRelay(t, {}, { clock });
    const to = [
      { ...byDefault, url: well.url.href },
      { ...byDefault, url: down.url.href, breaker: { max_held: 1 } },
    ];
    const targets = { hook: { to, ack } };
    const run = startConnector(t, settings(relay.url, well.url, "websocket", { targets }), {
      clock,
    });
    for (let n = 0; n < count; n++) await publish(relay, String(n));
    await pass(clock, 8 * minuteMs);
    assert.equal(relay.registry.named("dev")?.channel.stats.delivered, count);
    assert.equal(well.got.length, count);
    assert.equal(run.journal.deadLetters.count, count);
  });
}

for (const ack of ["any", "primary"]) {
  test(`ack: ${ack}: a second target that is only slow gets every webhook too, and none is put away`, async (t) => {
    const count = 100;
    const clock = new ManualClock();
    const quick = await startTarget(t);
    const slow = await startTarget(
      t,
      () => new Promise((resolve) => clock.after(100, () => resolve(200))),
    );
    const relay = await startDevRelay(t, {}, { clock });
    const to = [quick, slow].map(({ url }) => ({ url: url.href, max_concurrent_requests: 5 }));
    const targets = { hook: { to, ack } };
    const run = startConnector(t, settings(relay.url, quick.url, "websocket", { targets }), {
      clock,
    });
    for (let n = 0; n < count; n++) await publish(relay, String(n));
    for (let minutes = 0; minutes < 10 && slow.got.length < count; minutes++) {
      await pass(clock, minuteMs);
    }
    await pass(clock, minuteMs);
    assert.ok(run.events.some((event) => event.type === "delivery.deferred"), "none was too many");
    assert.deepEqual([quick.got.length, slow.got.length], [count, count]);
    assert.equal(relay.registry.named("dev")?.channel.stats.delivered, count);
    assert.equal(run.journal.deadLetters.count, 0);
  });
}
