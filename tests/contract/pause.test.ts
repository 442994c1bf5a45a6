/** A pause while a message is in hand: the connection stays for it, and takes nothing else. */
import assert from "node:assert/strict";
import type { RelayEvent } from "../../src/relay/relay_events.ts";
import { startFront } from "../support/front.ts";
import { settle } from "../support/manual_clock.ts";
import { publish, settings, startConnector, startDevRelay, startTarget } from "../support/rig.ts";
import { test, type TestContext } from "../support/test.ts";
import { turnsUntil } from "../support/turns_until.ts";

type Protocol = "websocket" | "sse" | "long_poll";

/** Paused, with a message at a target that answers when it is told to. */
async function pausedWithOneInHand(
  t: TestContext,
  protocol: Protocol,
  isBlocked?: (path: string) => boolean,
) {
  const events: RelayEvent[] = [];
  const relay = await startDevRelay(t, {}, { observe: (event) => void events.push(event) });
  const url = isBlocked ? await startFront(t, relay.url, isBlocked, 404) : relay.url;
  const { promise: answered, resolve: answer } = Promise.withResolvers<void>();
  t.defer(answer);
  const target = await startTarget(t, async (n) => {
    if (n === 1) await answered;
    return 200;
  });
  const run = startConnector(t, settings(url, target.url, protocol));
  await run.happened("stream.connected");
  await publish(relay, "slow");
  await target.arrived(1);
  run.connector.pause.pause();
  const channel = relay.registry.named("dev")?.channel;
  assert.ok(channel);
  return {
    ...{ relay, target, run, answer, channel },
    handedOut: () => events.filter(({ type }) => type === "relay.handed_out").length,
  };
}

for (const protocol of ["websocket", "sse", "long_poll"] as const) {
  test(`[${protocol}] what comes during a pause stays with the relay, though a message is in hand`, async (t) => {
    const { relay, target, run, answer, channel, handedOut } = await pausedWithOneInHand(
      t,
      protocol,
    );
    for (let n = 0; n < 3; n++) await publish(relay, "meanwhile");
    await turnsUntil(() => channel.stats.queued === 3 && channel.stats.inFlight === 1);
    const before = handedOut();
    await publish(relay, "and more");
    await settle();
    assert.equal(handedOut(), before);
    answer();
    await run.happened("stream.disconnected");
    run.connector.pause.resume();
    await target.arrived(5);
    assert.equal(target.got.length, 5);
  });

  test(`[${protocol}] after a pause webhooks are taken again, though a message from before is in hand`, async (t) => {
    const { relay, target, run, answer } = await pausedWithOneInHand(t, protocol);
    run.connector.pause.resume();
    await publish(relay, "quick");
    await target.arrived(2);
    answer();
    await run.happened("settlement.confirmed", 2);
    assert.equal(target.got.length, 2);
  });
}

test("[sse] what a relay hands out that did not hear of the pause is given back untried", async (t) => {
  const { relay, channel } = await pausedWithOneInHand(
    t,
    "sse",
    (path) => path === "/connect/drain",
  );
  for (let n = 0; n < 3; n++) await publish(relay, "meanwhile");
  await turnsUntil(() => channel.stats.queued === 3 && channel.stats.inFlight === 1);
});
