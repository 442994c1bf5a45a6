/** Settlements stay until the relay is known to have them. */
import assert from "node:assert/strict";
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

// What a poll brought stays leased when it is over, and is not brought again.
for (const protocol of ["websocket", "sse"] as const) {
  test(`[${protocol}] a nack that did not get through does not take back what the next connection brought again`, async (t) => {
    const { relay, proxy, target, run, answer } = await startHeld(t, protocol, {
      default_target: { retry_max_attempts: 1 },
    });
    proxy.cut();
    answer(503);
    await target.arrived(2);
    await publish(relay, "2");
    await target.arrived(3);
    assert.deepEqual(run.events.filter(({ type }) => type === "settlement.confirmed"), []);
    assert.equal(relay.registry.named("dev")?.channel.stats.inFlight, 2);
  });
}

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
