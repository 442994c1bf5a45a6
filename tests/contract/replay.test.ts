/** Dead letters that are delivered again, here and at the relay. */
import assert from "node:assert/strict";
import { publish, settings, startConnector, startDevRelay, startTarget } from "../support/rig.ts";
import { test } from "../support/test.ts";

test("what was replayed here is acknowledged without calling the target when the relay replays it too", async (t) => {
  const target = await startTarget(t, (n) => n === 1 ? 422 : 200);
  const relay = await startDevRelay(t);
  const folder = t.folder();
  const given = settings(relay.url, target.url, "websocket");
  const run = startConnector(t, given, { folder });
  const ids = [await publish(relay, "x")];
  const [id = ""] = ids;
  await run.happened("settlement.confirmed");
  assert.deepEqual(await run.connector.replay(id), [
    { target: "default", outcome: { kind: "delivered" } },
  ]);
  const channel = relay.registry.named("dev")?.channel;
  assert.equal(await channel?.replay([id]), 1);
  await run.happened("settlement.confirmed", 2);
  assert.equal(target.got.length, 2);
  assert.equal(channel?.stats.delivered, 1);
});

test("the same after a restart", async (t) => {
  const target = await startTarget(t, (n) => n === 1 ? 422 : 200);
  const relay = await startDevRelay(t);
  const folder = t.folder();
  const given = settings(relay.url, target.url, "websocket");
  const before = startConnector(t, given, { folder });
  const id = await publish(relay, "x");
  await before.happened("settlement.confirmed");
  await before.connector.replay(id);
  before.drain.abort();
  await before.ended;
  const run = startConnector(t, given, { folder });
  const channel = relay.registry.named("dev")?.channel;
  assert.equal(await channel?.replay([id]), 1);
  await run.happened("delivery.duplicate");
  await run.happened("settlement.confirmed");
  assert.equal(target.got.length, 2);
});

test("a replay that never got to the target leaves the letter as it is", async (t) => {
  const target = await startTarget(t, (n) => n === 1 ? 422 : 503);
  const relay = await startDevRelay(t);
  const run = startConnector(
    t,
    settings(relay.url, target.url, "websocket", {
      default_target: {
        retry_max_attempts: 1,
        breaker: { consecutive_failures: 1, open_seconds: 1_000, max_held: 0 },
      },
    }),
  );
  const id = await publish(relay, "x");
  await run.happened("settlement.confirmed");
  const letters = run.journal.deadLetters;
  const first = letters.of(id);
  assert.equal(first[0]?.reason.status, 422);
  await publish(relay, "opens the breaker");
  await run.happened("breaker.changed");
  const replayed = await run.connector.replay(id);
  assert.ok(Array.isArray(replayed));
  assert.equal(replayed[0]?.outcome.kind, "deferred");
  assert.deepEqual(letters.of(id), first);
});

for (const when of ["before", "after"]) {
  test(`a replay for one of several targets, asked for ${when} the message comes again for another: both have it then`, async (t) => {
    const refuses = await startTarget(t, (n) => n === 1 ? 422 : 200);
    const isBack = Promise.withResolvers<number>();
    t.defer(() => isBack.resolve(200));
    const fails = await startTarget(t, (n) => n === 1 ? 503 : isBack.promise);
    const relay = await startDevRelay(t, { webhookIds: ["two"] });
    const [one, other] = [refuses, fails].map(({ url }) => ({
      ...{ url: url.href, retry_max_attempts: 1, retry_delay_seconds: 0.01 },
    }));
    const more = { targets: { two: [one, other] } };
    const run = startConnector(t, settings(relay.url, refuses.url, "websocket", more));
    const response = await fetch(`${relay.url}/webhook/two`, { method: "POST", body: "x" });
    const { message_id: id } = await response.json() as { message_id: string };
    await run.happened("settlement.confirmed");
    if (when === "after") await fails.arrived(2);
    assert.ok(Array.isArray(await run.connector.replay(id)));
    await fails.arrived(2);
    isBack.resolve(200);
    await run.happened("settlement.confirmed", 2);
    assert.deepEqual([refuses.got.length, fails.got.length], [2, 2]);
    const { delivered, deadLettered } = relay.registry.named("dev")?.channel.stats ?? {};
    assert.deepEqual([delivered, deadLettered], [1, 0]);
    assert.equal(run.journal.deadLetters.count, 0);
  });
}

for (const restarts of [false, true]) {
  test(`the relay replays what one of two targets refused${restarts ? ", after a restart" : ""}: the other is not asked again`, async (t) => {
    const refuses = await startTarget(t, (n) => n === 1 ? 422 : 200);
    const takes = await startTarget(t);
    const relay = await startDevRelay(t, { webhookIds: ["two"] });
    const targets = { two: [{ url: refuses.url.href }, { url: takes.url.href }] };
    const given = settings(relay.url, takes.url, "websocket", { targets });
    const folder = t.folder();
    let run = startConnector(t, given, { folder });
    const response = await fetch(`${relay.url}/webhook/two`, { method: "POST", body: "x" });
    const { message_id: id } = await response.json() as { message_id: string };
    await run.happened("settlement.confirmed");
    if (restarts) {
      run.drain.abort();
      await run.ended;
      run = startConnector(t, given, { folder });
    }
    const channel = relay.registry.named("dev")?.channel;
    assert.equal(await channel?.replay([id]), 1);
    await run.happened("settlement.confirmed", restarts ? 1 : 2);
    assert.deepEqual([refuses.got.length, takes.got.length], [2, 1]);
    assert.equal(channel?.stats.delivered, 1);
    assert.equal(run.journal.deadLetters.count, 0);
  });
}
