/** A pause while a message is in hand: the connection stays for it, and takes nothing else. */
import assert from "node:assert/strict";
import { type Clock, systemClock } from "../../src/async/clock.ts";
import { closeCodes } from "../../src/protocol/close_codes.ts";
import type { RelayEvent } from "../../src/relay/relay_events.ts";
import { startFront } from "../support/front.ts";
import {
  greeting,
  sseHead,
  sseText,
  startScriptedRelay,
  webhookText,
} from "../support/hostile_relay.ts";
import { ManualClock, settle } from "../support/manual_clock.ts";
import { startOldRelay } from "../support/old_relay.ts";
import { httpAnswer, type RawRequest } from "../support/raw_peer.ts";
import {
  publish,
  type Running,
  settings,
  startConnector,
  startDevRelay,
  startTarget,
} from "../support/rig.ts";
import { test, type TestContext } from "../support/test.ts";
import { turnsUntil } from "../support/turns_until.ts";

type Protocol = "websocket" | "sse" | "long_poll";

/** Paused, with a message at a target that answers when it is told to. */
async function pausedWithOneInHand(
  t: TestContext,
  protocol: Protocol,
  { isBlocked, clock = systemClock }: {
    isBlocked?: (path: string) => boolean;
    /** The connector's. */
    clock?: Clock;
  } = {},
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
  // By a manual clock the target answers late.
  const more = { default_target: { timeout_seconds: 3_600 } };
  const run = startConnector(t, settings(url, target.url, protocol, more), { clock });
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

  test(`[${protocol}] a connection that is lost during a pause is opened again for what is in hand, and for no more`, async (t) => {
    const clock = new ManualClock();
    const { relay, target, run, answer, channel } = await pausedWithOneInHand(t, protocol, {
      clock,
    });
    await lose(run, clock);
    await clock.advance(1_000);
    await run.happened("stream.connected", 2);
    await publish(relay, "meanwhile");
    answer();
    await run.happened("settlement.confirmed");
    await run.happened("stream.disconnected", 2);
    await turnsUntil(() => channel.stats.queued === 1 && channel.stats.inFlight === 0);
    await clock.advance(60_000);
    assert.equal(run.events.filter(({ type }) => type === "stream.connecting").length, 2);
    assert.equal(target.got.length, 1);
    run.drain.abort();
    await run.ended;
  });

  test(`[${protocol}] a connection that is lost during a pause does not keep the connector from its end`, async (t) => {
    const clock = new ManualClock();
    const { run, answer } = await pausedWithOneInHand(t, protocol, { clock });
    await lose(run, clock);
    run.drain.abort();
    answer();
    await run.happened("delivery.succeeded");
    await clock.advance(1_000);
    await run.ended;
    assert.ok(run.events.some(({ type }) => type === "settlement.confirmed"));
  });

  test(`[${protocol}] what comes with the greeting of a paused connector is given back, and there is nothing left to tell`, async (t) => {
    const relay = await startDevRelay(t);
    for (let n = 0; n < 3; n++) await publish(relay, "waiting");
    const target = await startTarget(t);
    const clock = new ManualClock();
    const run = startConnector(t, settings(relay.url, target.url, protocol), { clock });
    run.connector.pause.pause();
    const stats = () => relay.registry.named("dev")?.channel.stats;
    await run.happened("stream.disconnected");
    await turnsUntil(() => stats()?.queued === 3 && stats()?.inFlight === 0);
    run.drain.abort();
    await run.ended;
    assert.ok(run.events.filter(({ type }) => type === "stream.connecting").length <= 2);
    assert.equal(target.got.length, 0);
  });
}

for (const protocol of ["websocket", "sse"] as const) {
  test(`[${protocol}] a relay that ends every connection during a pause is not asked again at once`, async (t) => {
    const clock = new ManualClock();
    const { run, channel } = await pausedWithOneInHand(t, protocol, { clock });
    for (let n = 1; n <= 3; n++) {
      await turnsUntil(() => channel.subscribers.length === 1);
      channel.subscribers[0]?.disconnect(closeCodes.goingAway, "not now");
      await run.happened("stream.failed", n);
      await settle();
      assert.equal(run.events.filter(({ type }) => type === "stream.connecting").length, n);
      await clock.advance(1_000);
      await run.happened("stream.connected", n + 1);
    }
  });
}

test("[sse] what a relay hands out that did not hear of the pause is given back untried", async (t) => {
  const { relay, channel } = await pausedWithOneInHand(
    t,
    "sse",
    { isBlocked: (path) => path === "/connect/drain" },
  );
  for (let n = 0; n < 3; n++) await publish(relay, "meanwhile");
  await turnsUntil(() => channel.stats.queued === 3 && channel.stats.inFlight === 1);
});

test("[long_poll] a pause is no silence of the relay", async (t) => {
  const clock = new ManualClock();
  const { run, answer, channel } = await pausedWithOneInHand(t, "long_poll", { clock });
  for (let n = 0; n < 12; n++) await clock.advance(10_000);
  assert.ok(!run.events.some(({ type }) => type === "stream.failed"));
  assert.equal(channel.stats.inFlight, 1);
  answer();
  await run.happened("settlement.confirmed");
});

test("[long_poll] a connector that drains for long does not take an old relay for dead", async (t) => {
  const clock = new ManualClock();
  const relay = await startOldRelay(t, { clock: systemClock });
  const { promise: answered, resolve: answer } = Promise.withResolvers<void>();
  t.defer(answer);
  const target = await startTarget(t, async () => {
    await answered;
    return 200;
  });
  const more = { shutdown_grace_seconds: 3_600, default_target: { timeout_seconds: 3_600 } };
  const run = startConnector(t, settings(relay.url, target.url, "long_poll", more), { clock });
  await run.happened("stream.connected");
  relay.publish("slow");
  await target.arrived(1);
  run.drain.abort();
  for (let n = 0; n < 12; n++) await clock.advance(10_000);
  answer();
  await run.ended;
  assert.ok(!run.events.some(({ type }) => type === "stream.failed"));
});

test("[sse] a pause that is said again before the relay has greeted is told when it greets", async (t) => {
  const clock = new ManualClock();
  const { promise: told, resolve: tell } = Promise.withResolvers<void>();
  const streams: RawRequest[] = [];
  const relay = await startScriptedRelay(t, (request) => {
    if (!request.head.startsWith("POST")) return streams.push(request);
    if (/^POST \/connect\/drain .*^x-connection-id: c2/ims.test(request.head)) tell();
    return request.write(httpAnswer("200 OK", '{"status":"ok"}'));
  });
  const head = sseHead.replace("\r\n\r\n", "\r\nX-Relay-Capabilities: drain\r\n\r\n");
  const hello = (id: string) =>
    sseText(`${greeting.slice(0, -1)},"capabilities":["drain"]}`.replace("c1", id));
  const { promise: answered, resolve: answer } = Promise.withResolvers<void>();
  t.defer(answer);
  const target = await startTarget(t, async () => {
    await answered;
    return 200;
  });
  const run = startConnector(t, settings(relay.url, target.url, "sse"), { clock });
  await turnsUntil(() => streams.length === 1);
  await streams[0]?.write(head + hello("c1") + sseText(webhookText("m1")));
  await target.arrived(1);
  run.connector.pause.pause();
  streams[0]?.socket.destroy();
  await run.happened("stream.failed");
  await clock.advance(1_000);
  await turnsUntil(() => streams.length === 2);
  await streams[1]?.write(head);
  await turnsUntil(() => run.connector.silenceMs === 0);
  await settle();
  run.connector.pause.pause(600_000);
  await streams[1]?.write(hello("c2"));
  await told;
});

/** The machine slept: the connection is gone, over whichever transport. */
async function lose(run: Running, clock: ManualClock): Promise<void> {
  clock.jump(3_600_000);
  await clock.advance(20_000);
  await run.happened("stream.failed");
}
