/** What holds under load: connections, places, room, other targets. */
import assert from "node:assert/strict";
import http from "node:http";
import type { AddressInfo } from "node:net";
import { fastClock } from "../support/fast_clock.ts";
import { startOldRelay } from "../support/old_relay.ts";
import { publish, settings, startConnector, startDevRelay, startTarget } from "../support/rig.ts";
import { test, type TestContext } from "../support/test.ts";

/** A target that counts its TCP connections and the requests it has at a time. */
async function startCountingTarget(t: TestContext) {
  const counts = { connections: 0, requests: 0, atATime: 0, most: 0 };
  const server = http.createServer((request, response) => {
    counts.requests++;
    counts.atATime++;
    counts.most = Math.max(counts.most, counts.atATime);
    request.resume().on("end", () => {
      counts.atATime--;
      response.end();
    });
  });
  server.keepAliveTimeout = 60_000;
  server.on("connection", () => counts.connections++);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.defer(() => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  });
  const { port } = server.address() as AddressInfo;
  return { counts, url: new URL(`http://127.0.0.1:${port}/`) };
}

test("requirement 2: 10,000 messages use no more connections to the target than the concurrency limit", async (t) => {
  const target = await startCountingTarget(t);
  const relay = await startOldRelay(t);
  const run = startConnector(t, settings(relay.url, target.url, "websocket"));
  for (let i = 0; i < 10_000; i++) relay.publish(`{"n":${i}}`);
  await run.happened("settlement.confirmed", 10_000);
  assert.equal(target.counts.requests, 10_000);
  assert.ok(target.counts.connections <= 10, `${target.counts.connections} connections`);
  assert.ok(target.counts.most <= 10, `${target.counts.most} requests at a time`);
});

for (const protocol of ["websocket", "sse", "long_poll"] as const) {
  test(`requirement 11: [${protocol}] a slow target stops the reading, the bound holds, and nothing is lost`, async (t) => {
    const answers: ((status: number) => void)[] = [];
    let isOpen = false;
    const target = await startTarget(
      t,
      () => isOpen ? 200 : new Promise((resolve) => answers.push(resolve)),
    );
    const relay = await startDevRelay(t, { maxInFlight: 1_000 });
    const given = settings(relay.url, target.url, protocol, {
      max_queue_messages: 10,
      max_concurrent_requests: 2,
    });
    const run = startConnector(t, given);
    for (let i = 0; i < 100; i++) await publish(relay, String(i));
    await target.arrived(2);
    // All that is not in hand here is where it is safe.
    const stats = () => relay.registry.named("dev")?.channel.stats;
    assert.ok((stats()?.inFlight ?? 0) <= 10, `${stats()?.inFlight} in flight`);
    assert.ok(run.connector.inHand.messages <= 10);
    isOpen = true;
    for (const answer of answers) answer(200);
    await run.happened("settlement.confirmed", 100);
    assert.equal(new Set(target.got.map(({ body }) => new TextDecoder().decode(body))).size, 100);
    assert.equal(target.got.length, 100);
  });
}

test("requirement 11: a relay that does not know our window is held up by back-pressure", async (t) => {
  const answers: ((status: number) => void)[] = [];
  let isOpen = false;
  const target = await startTarget(
    t,
    () => isOpen ? 200 : new Promise((resolve) => answers.push(resolve)),
  );
  const relay = await startOldRelay(t);
  const given = settings(relay.url, target.url, "websocket", {
    max_queue_messages: 10,
    max_concurrent_requests: 2,
  });
  const run = startConnector(t, given);
  for (let i = 0; i < 100; i++) relay.publish(String(i));
  await run.happened("stream.backpressure");
  assert.equal(run.connector.inHand.messages, 10);
  isOpen = true;
  for (const answer of answers) answer(200);
  await run.happened("settlement.confirmed", 100);
  assert.equal(target.got.length, 100);
});

test("what a stop finds waiting for room goes back untried, and is counted", async (t) => {
  const gate = Promise.withResolvers<void>();
  const target = await startTarget(t, () => gate.promise.then(() => 200));
  const relay = await startOldRelay(t);
  const given = settings(relay.url, target.url, "websocket", { max_queue_messages: 1 });
  const run = startConnector(t, given);
  for (const body of ["in hand", "waits for room"]) relay.publish(body);
  await run.happened("stream.backpressure");
  run.drain.abort();
  await run.happened("stream.backpressure", 2);
  gate.resolve();
  assert.deepEqual(await run.ended, { abandoned: 1 });
  assert.equal(target.got.length, 1);
});

test("messages that wait for a retry hold no place: another target gets its webhook meanwhile", async (t) => {
  const dead = await startTarget(t, () => 503);
  const well = await startTarget(t);
  const relay = await startDevRelay(t, { webhookIds: ["hook", "other"] });
  const given = settings(relay.url, well.url, "websocket", {
    max_concurrent_requests: 2,
    targets: {
      hook: { url: dead.url.href, retry_delay_seconds: 3_000, retry_max_delay_seconds: 3_000 },
    },
  });
  const run = startConnector(t, given);
  for (let i = 0; i < 10; i++) await publish(relay, String(i));
  await run.happened("delivery.retrying", 10);
  assert.deepEqual(run.connector.targets.map(({ inFlight }) => inFlight), [0, 0]);
  const response = await fetch(`${relay.url}/webhook/other`, { method: "POST", body: "x" });
  await response.body?.cancel();
  await run.happened("delivery.succeeded");
  assert.equal(well.got.length, 1);
});

test("a target that hangs takes only its own places", async (t) => {
  const stuck = await startTarget(t, () => new Promise(() => {}));
  const well = await startTarget(t);
  const relay = await startDevRelay(t, { webhookIds: ["hook", "other"] });
  const given = settings(relay.url, well.url, "websocket", {
    max_concurrent_requests: 3,
    targets: { hook: { url: stuck.url.href, max_concurrent_requests: 2 } },
    shutdown_grace_seconds: 0,
  });
  const run = startConnector(t, given);
  for (let i = 0; i < 10; i++) await publish(relay, String(i));
  await stuck.arrived(2);
  const response = await fetch(`${relay.url}/webhook/other`, { method: "POST", body: "x" });
  await response.body?.cancel();
  await run.happened("delivery.succeeded");
  assert.equal(stuck.got.length, 2);
});

test("a webhook id without a target is shouted about and given back, not put away", async (t) => {
  const relay = await startDevRelay(t, { webhookIds: ["hook"] });
  const well = await startTarget(t);
  const given = settings(relay.url, well.url, "websocket");
  const run = startConnector(t, { ...given, defaultRoute: undefined });
  await publish(relay, "x");
  await run.happened("delivery.failed");
  const failed = run.events.find((event) => event.type === "delivery.failed");
  assert.equal(failed?.reason.code, "no_target");
  assert.match(failed?.reason.message ?? "", /"hook": add it to targets/);
  run.drain.abort();
  await run.ended;
  const store = relay.registry.named("dev")?.channel;
  assert.deepEqual(await store?.deadLetters(10), []);
  assert.equal(store?.stats.queued, 1);
});

test("Retry-After of the target is honoured, up to the longest wait", async (t) => {
  const target = await startTarget(t, (n, _got, response) => {
    if (n === 1) response.setHeader("Retry-After", "2");
    if (n === 2) response.setHeader("Retry-After", "100000");
    return n <= 2 ? 429 : 200;
  });
  const relay = await startDevRelay(t);
  const given = settings(relay.url, target.url, "websocket", {
    default_target: { retry_delay_seconds: 0.001, retry_max_delay_seconds: 3 },
  });
  const delays: number[] = [];
  const run = startConnector(t, given, { clock: fastClock(100) });
  await publish(relay, "x");
  await run.happened("delivery.succeeded");
  for (const event of run.events) {
    if (event.type === "delivery.retrying") delays.push(event.delayMs);
  }
  assert.deepEqual(delays, [2_000, 3_000]);
});
