/** Settlements stay until the relay is known to have them. */
import assert from "node:assert/strict";
import { Outbox } from "../../src/source/outbox.ts";
import { ManualClock } from "../support/manual_clock.ts";
import { startProxy } from "../support/proxy.ts";
import { startOldRelay } from "../support/old_relay.ts";
import { publish, settings, startConnector, startDevRelay, startTarget } from "../support/rig.ts";
import { test, type TestContext } from "../support/test.ts";

test("an ack the relay could not take is sent again until it is taken", async (t) => {
  const target = await startTarget(t);
  const relay = await startOldRelay(t, { failAcks: 3 });
  const run = startConnector(t, settings(relay.url, target.url, "sse"));
  const id = relay.publish("1");
  await run.happened("settlement.confirmed");
  assert.deepEqual(relay.acked, [id]);
  assert.equal(run.events.filter(({ type }) => type === "settlement.failed").length, 3);
  assert.equal(target.got.length, 1);
});

/** A connector behind a proxy, with a webhook at a target that answers when it is told to. */
async function startHeld(
  t: TestContext,
  protocol: Parameters<typeof settings>[2],
  more: Record<string, unknown> = {},
) {
  let answer = (_status: number) => {};
  const target = await startTarget(t, () => new Promise((resolve) => answer = resolve));
  const relay = await startDevRelay(t);
  const proxy = await startProxy(t, relay.url);
  const given = settings(proxy.url, target.url, protocol, { reconnect_delay: 0.1, ...more });
  const run = startConnector(t, given);
  await publish(relay, "1");
  await target.arrived(1);
  return { relay, proxy, target, run, answer: (status: number) => answer(status) };
}

for (const protocol of ["websocket", "sse", "long_poll"] as const) {
  test(`[${protocol}] what was settled while the connection was away is told over the next one`, async (t) => {
    const { relay, proxy, target, run, answer } = await startHeld(t, protocol);
    proxy.cut();
    answer(200);
    await run.happened("settlement.confirmed");
    assert.equal(target.got.length, 1);
    assert.equal(relay.registry.named("dev")?.channel.stats.delivered, 1);
  });
}

for (const protocol of ["websocket", "sse", "long_poll"] as const) {
  test(`[${protocol}] what was delivered during a drain is acknowledged, also where the next connection brings it again`, async (t) => {
    const { relay, proxy, run, answer } = await startHeld(t, protocol);
    run.drain.abort();
    proxy.cut();
    answer(200);
    await run.ended;
    const stats = relay.registry.named("dev")?.channel.stats;
    assert.deepEqual([stats?.delivered, stats?.queued], [1, 0]);
  });
}

test("a nack that did not get through is told later where the relay keeps the message for so long, and else forgotten", async () => {
  const clock = new ManualClock();
  const outbox = new Outbox({
    ...{ clock, random: Math.random, observe() {}, onConfirmed() {}, onEmpty() {} },
    ...{ maxEntries: 10, confirmTimeoutMs: 30_000 },
    retry: { baseMs: 100, capMs: 1_000, multiplier: 2, floorMs: 0 },
  });
  const nack = (messageId: string, retry: boolean) =>
    outbox.add({ messageId, connectionId: "c", verdict: "nack", retry });
  const leave = (keptMs?: number) => {
    outbox.detach(keptMs);
    outbox.forgetRetries();
  };
  nack("a", true);
  nack("b", false);
  leave(10_000);
  nack("c", true);
  await clock.advance(9_999);
  outbox.forgetRetries();
  assert.deepEqual(outbox.messageIds, ["a", "b", "c"]);
  await clock.advance(1);
  // The next connection may bring it again.
  outbox.forgetRetries();
  assert.deepEqual(outbox.messageIds, ["b"]);
  nack("d", true);
  leave();
  assert.deepEqual(outbox.messageIds, ["b"]);
});

for (const protocol of ["websocket", "sse"] as const) {
  test(`[${protocol}] a stop does not wait for a nack that the next connection has no need of`, async (t) => {
    const { relay, proxy, run, answer } = await startHeld(t, protocol, {
      shutdown_grace_seconds: 3_600,
      default_target: { retry_max_attempts: 1 },
    });
    run.drain.abort();
    proxy.cut();
    answer(503);
    await run.happened("delivery.failed");
    await run.ended;
    // The relay may not have seen yet that the connection has ended.
    const { queued = 0, inFlight = 0 } = relay.registry.named("dev")?.channel.stats ?? {};
    assert.equal(queued + inFlight, 1);
  });
}
