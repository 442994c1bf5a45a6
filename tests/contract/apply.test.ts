/** Other settings for a connector that runs: nothing is lost, and the connection stays where it can. */
import assert from "node:assert/strict";
import type { Settings } from "../../src/config/settings.ts";
import { ManualClock } from "../support/manual_clock.ts";
import { publish, settings, startConnector, startDevRelay, startTarget } from "../support/rig.ts";
import { test } from "../support/test.ts";
import { turnsUntil } from "../support/turns_until.ts";
import { startWatchedConnector } from "../support/watched_connector.ts";

for (const protocol of ["websocket", "sse", "long_poll"] as const) {
  test(`[${protocol}] other targets count from the next message on, over the same connection`, async (t) => {
    const relay = await startDevRelay(t);
    const gate = Promise.withResolvers<void>();
    const [before, after] = [
      await startTarget(t, () => gate.promise.then(() => 200)),
      await startTarget(t),
    ];
    const run = startConnector(t, settings(relay.url, before.url, protocol));
    const inHand = await publish(relay, "in hand");
    await before.arrived(1);
    assert.equal(run.connector.apply(settings(relay.url, after.url, protocol)), true);
    const next = await publish(relay, "next");
    await after.arrived(1);
    gate.resolve();
    await run.happened("settlement.confirmed", 2);
    assert.equal(before.got[0]?.headers["x-webhook-message-id"], inHand);
    assert.equal(after.got[0]?.headers["x-webhook-message-id"], next);
    assert.deepEqual([before.got.length, after.got.length], [1, 1]);
    assert.equal(run.events.filter(({ type }) => type === "stream.connecting").length, 1);
    assert.deepEqual(run.connector.targets.map(({ url }) => url), [after.url.href]);
  });

  test(`[${protocol}] other source settings open the connection anew, once; what is in hand is not asked for again`, async (t) => {
    const relay = await startDevRelay(t);
    const gate = Promise.withResolvers<void>();
    const target = await startTarget(t, () => gate.promise.then(() => 200));
    const given = settings(relay.url, target.url, protocol);
    const run = startConnector(t, given);
    await publish(relay, "in hand");
    await target.arrived(1);
    const source = { ...given.source, heartbeatTimeoutMs: 40_000 };
    assert.equal(run.connector.apply({ ...given, source }), true);
    await run.happened("stream.connected", 2);
    gate.resolve();
    await run.happened("settlement.confirmed");
    await publish(relay, "next");
    await target.arrived(2);
    await run.happened("settlement.confirmed", 2);
    assert.equal(target.got.length, 2);
    const ends = run.events.flatMap((event) =>
      event.type === "stream.disconnected" ? [event.reason] : []
    );
    assert.deepEqual(ends, ["the settings have changed"]);
    assert.equal(run.events.filter(({ type }) => type === "stream.failed").length, 0);
  });
}

test("a target that stays the same keeps its breaker; one that is gone is closed", async (t) => {
  const relay = await startDevRelay(t);
  const [kept, gone] = [await startTarget(t, () => 503), await startTarget(t)];
  const target = (url: URL) => ({
    url: url.href,
    retry_enabled: false,
    breaker: { consecutive_failures: 1, open_seconds: 1_000 },
  });
  const given = (more: Record<string, unknown>) =>
    settings(relay.url, gone.url, "websocket", { targets: { hook: target(kept.url), ...more } });
  const run = startConnector(t, given({ other: target(gone.url) }));
  await publish(relay, "fails");
  await run.happened("breaker.changed");
  assert.equal(run.connector.apply(given({ another: target(gone.url) })), true);
  await publish(relay, "waits");
  const hook = () => run.connector.targets.find(({ name }) => name === "hook");
  await turnsUntil(() => hook()?.held === 1);
  assert.equal(kept.got.length, 1);
  assert.deepEqual(run.connector.targets.map(({ name }) => name), ["hook", "another", "default"]);
});

test("a target that is mended is ready again: its breaker of before is told as closed", async (t) => {
  const relay = await startDevRelay(t);
  const target = await startTarget(t);
  const given = (url: URL) =>
    settings(relay.url, url, "websocket", {
      default_target: {
        retry_enabled: false,
        breaker: { consecutive_failures: 1, open_seconds: 1_000 },
      },
    });
  const { url, connector } = await startWatchedConnector(t, given(new URL("http://127.0.0.1:1/")));
  const breaker = async () =>
    /^hookferry_breaker_state\{target="default"\} (.*)$/m
      .exec(await (await fetch(`${url}/metrics`)).text())?.[1];
  await publish(relay, "fails");
  while (await breaker() !== "2");
  assert.equal(connector.apply(given(target.url)), true);
  assert.equal(await breaker(), "0");
  await publish(relay, "arrives");
  await target.arrived(1);
  const readyz = async () => {
    const { status, body } = await fetch(`${url}/readyz`);
    await body?.cancel();
    return status;
  };
  while (await readyz() !== 200);
  assert.equal(await breaker(), "0");
});

for (const ack of ["all", "primary"]) {
  test(`ack: ${ack}: what a target that is mended held goes to the new one within seconds, and nothing is put away for it`, async (t) => {
    const clock = new ManualClock();
    const relay = await startDevRelay(t, { maxDeliveries: 1 }, { clock });
    const [well, down, mended] = [
      await startTarget(t),
      await startTarget(t, () => 503),
      await startTarget(t),
    ];
    const given = ({ url }: { url: URL }) => {
      const breaker = { consecutive_failures: 1, open_seconds: 1_000 };
      const audit = { name: "audit", url: url.href, retry_enabled: false, breaker };
      const targets = { hook: { to: [{ url: well.url.href }, audit], ack } };
      return settings(relay.url, well.url, "websocket", { targets });
    };
    const run = startConnector(t, given(down), { clock });
    await publish(relay, "opens");
    await run.happened("settlement.confirmed");
    const lettersBefore = run.journal.deadLetters.count;
    for (let n = 0; n < 10; n++) await publish(relay, String(n));
    const held = () => run.connector.targets.find(({ name }) => name === "audit")?.held;
    await turnsUntil(() => held() === 10);
    assert.equal(run.connector.apply(given(mended)), true);
    for (let seconds = 0; seconds < 10; seconds++) await clock.advance(1_000);
    await mended.arrived(10);
    await run.happened("settlement.confirmed", 1 + 10 + 10);
    assert.deepEqual([well.got.length, down.got.length], [11, 1]);
    const { deadLettered } = relay.registry.named("dev")?.channel.stats ?? {};
    assert.equal(deadLettered, 0);
    assert.equal(run.journal.deadLetters.count, lettersBefore);
  });
}

test("a target that is gone, with a webhook in hand, is told as closed once and tells nothing after that", async (t) => {
  const relay = await startDevRelay(t);
  const gates = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const target = await startTarget(
    t,
    (n) => gates[n - 1]?.promise.then(() => n === 1 ? 503 : 200) ?? 200,
  );
  const given = (path: string) =>
    settings(relay.url, new URL(path, target.url), "websocket", {
      default_target: {
        retry_enabled: false,
        breaker: { consecutive_failures: 1, open_seconds: 1_000 },
      },
    });
  const run = startConnector(t, given("/a"));
  for (const body of ["opens", "in hand"]) await publish(relay, body);
  await target.arrived(2);
  gates[0]?.resolve();
  await run.happened("breaker.changed");
  assert.equal(run.connector.apply(given("/b")), true);
  gates[1]?.resolve();
  await run.happened("settlement.confirmed", 2);
  run.drain.abort();
  await run.ended;
  const states = run.events.flatMap((event) =>
    event.type === "breaker.changed" ? [event.state] : []
  );
  assert.deepEqual(states, ["open", "closed"]);
});

test("another target beside it, or room for more requests, leaves a target its connections and its breaker", async (t) => {
  const relay = await startDevRelay(t);
  const gate = Promise.withResolvers<void>();
  const ports = new Set<number | undefined>();
  const target = await startTarget(t, async (n, _, response) => {
    ports.add(response.socket?.remotePort);
    if (n === 2) await gate.promise;
    return n < 4 ? 200 : 503;
  });
  const given = (max_concurrent_requests: number, targets: Record<string, unknown>) =>
    settings(relay.url, target.url, "websocket", {
      max_concurrent_requests,
      targets,
      default_target: {
        retry_enabled: false,
        breaker: { consecutive_failures: 1, open_seconds: 1_000 },
      },
    });
  const run = startConnector(t, given(1, {}));
  await publish(relay, "first");
  await run.happened("settlement.confirmed");
  const another = { other: { url: target.url.href } };
  assert.equal(run.connector.apply(given(2, another)), true);
  await publish(relay, "second, held");
  await target.arrived(2);
  assert.equal(ports.size, 1);
  assert.equal(run.connector.apply(given(3, another)), true);
  await publish(relay, "third, beside it");
  await target.arrived(3);
  assert.equal(ports.size, 2);
  await publish(relay, "fails");
  await run.happened("breaker.changed");
  assert.equal(run.connector.apply(given(4, {})), true);
  await publish(relay, "waits");
  await turnsUntil(() => run.connector.targets[0]?.held === 1);
  assert.equal(target.got.length, 4);
  gate.resolve();
});

const others: [what: string, change: (given: Settings) => Settings][] = [
  ["relay", (given) => ({ ...given, source: { ...given.source, url: new URL("http://[::1]:1") } })],
  ["channel", (given) => ({ ...given, source: { ...given.source, channel: "other" } })],
  ["order", (given) => ({ ...given, delivery: { ...given.delivery, maxLaneMessages: 7 } })],
];
for (const [what, change] of others) {
  test(`another ${what} needs another connector: nothing is applied`, async (t) => {
    const relay = await startDevRelay(t);
    const target = await startTarget(t);
    const given = settings(relay.url, target.url, "websocket");
    const run = startConnector(t, given);
    assert.equal(run.connector.apply(change(given)), false);
    await publish(relay, "x");
    await run.happened("settlement.confirmed");
    assert.equal(target.got.length, 1);
  });
}
