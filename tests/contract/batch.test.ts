/** A target that takes batches, through a real relay and a real connector. */
import assert from "node:assert/strict";
import http from "node:http";
import type { AddressInfo } from "node:net";
import { systemClock } from "../../src/async/clock.ts";
import { foldStatus } from "../../src/observe/status.ts";
import type { Relay } from "../../src/relay/relay.ts";
import { bytesOf, writtenIn } from "../support/batches.ts";
import { startOldRelay } from "../support/old_relay.ts";
import { quietNow } from "../support/quiet_now.ts";
import { publish, settings, startConnector, startDevRelay, startTarget } from "../support/rig.ts";
import { test } from "../support/test.ts";
import { turnsUntil } from "../support/turns_until.ts";

const batching = (batch: Record<string, unknown>, more: Record<string, unknown> = {}) => ({
  ...more,
  default_target: { batch },
});

async function publishAll(relay: Relay, from: number, to: number): Promise<void> {
  for (let i = from; i < to; i++) await publish(relay, String(i));
}

test("requirement 2: 10,000 messages in batches use no more connections than requests are allowed at a time", async (t) => {
  const counts = { connections: 0, requests: 0, atATime: 0, most: 0, messages: 0 };
  const server = http.createServer((request, response) => {
    counts.requests++;
    counts.most = Math.max(counts.most, ++counts.atATime);
    counts.messages += Number(request.headers["x-webhook-batch-size"]);
    request.resume().on("end", () => {
      counts.atATime--;
      response.end();
    });
  });
  server.on("connection", () => counts.connections++);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.defer(() => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  });
  const url = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
  const relay = await startOldRelay(t);
  const given = settings(
    relay.url,
    url,
    "websocket",
    batching({ max_wait_seconds: 0.05 }, { max_concurrent_requests: 3 }),
  );
  const run = startConnector(t, given);
  for (let i = 0; i < 10_000; i++) relay.publish(`{"n":${i}}`);
  await run.happened("settlement.confirmed", 10_000);
  assert.equal(counts.messages, 10_000);
  assert.ok(counts.connections <= 3, `${counts.connections} connections`);
  assert.ok(counts.most <= 3, `${counts.most} requests at a time`);
  assert.ok(counts.requests < 1_000, `${counts.requests} requests`);
});

test("100 messages fill one request where two requests may run, and hold one of their places", async (t) => {
  const answers: (() => void)[] = [];
  const target = await startTarget(
    t,
    () => new Promise((resolve) => answers.push(() => resolve(200))),
  );
  const relay = await startDevRelay(t, { maxInFlight: 1_000 });
  const given = batching({ max_wait_seconds: 60 }, { max_concurrent_requests: 2 });
  const run = startConnector(t, settings(relay.url, target.url, "websocket", given));
  await publishAll(relay, 0, 200);
  await target.arrived(2);
  for (const answer of answers) answer();
  await run.happened("settlement.confirmed", 200);
  const written = writtenIn(target.got[0]?.body ?? new Uint8Array());
  const expected = Array.from({ length: 100 }, (_, i) => String(i));
  assert.deepEqual(written.map(({ body }) => body), expected);
});

test("the messages of a request under way do not wait, those gathered for the next one do", async (t) => {
  const answers: (() => void)[] = [];
  const target = await startTarget(
    t,
    () => new Promise((resolve) => answers.push(() => resolve(200))),
  );
  const relay = await startDevRelay(t);
  const given = batching({ max_messages: 2, max_wait_seconds: 60 });
  const run = startConnector(t, settings(relay.url, target.url, "websocket", given));
  const load = () => run.connector.targets.map(({ inFlight, waiting }) => [inFlight, waiting]);
  await publishAll(relay, 0, 3);
  await target.arrived(1);
  await turnsUntil(() => run.connector.targets[0]?.waiting === 1);
  assert.deepEqual(load(), [[2, 1]]);
  answers.shift()?.();
  await run.happened("settlement.confirmed", 2);
  assert.deepEqual(load(), [[0, 1]]);
  await publishAll(relay, 3, 4);
  await target.arrived(2);
  assert.deepEqual(load(), [[2, 0]]);
  answers.shift()?.();
  await run.happened("settlement.confirmed", 4);
});

test("only the messages that failed come again, with the next attempt; one that is refused is put away", async (t) => {
  const seen = new Map<string, number[]>();
  const target = await startTarget(t, (_n, { body }, response) => {
    const results = writtenIn(body).map(({ message_id, attempt, body }) => {
      seen.set(body, [...seen.get(body) ?? [], attempt]);
      const n = Number(body);
      const status = n === 13 ? 422 : n % 5 === 0 && attempt === 1 ? 503 : 200;
      return { message_id, status };
    });
    response.writeHead(207, { "Content-Type": "application/json" });
    response.end(JSON.stringify({ results }));
    return 207;
  });
  const relay = await startDevRelay(t);
  const given = settings(
    relay.url,
    target.url,
    "websocket",
    batching({ max_messages: 20, max_wait_seconds: 0.02 }),
  );
  const run = startConnector(t, given);
  await publishAll(relay, 0, 50);
  await run.happened("settlement.confirmed", 50);
  for (let n = 0; n < 50; n++) {
    assert.deepEqual(seen.get(String(n)), n % 5 === 0 ? [1, 2] : [1], `message ${n}`);
  }
  const dead = await relay.registry.named("dev")?.channel.deadLetters(10);
  assert.equal(dead?.length, 1);
});

test("the bytes of a webhook reach the target in a batch, binary ones too", async (t) => {
  const target = await startTarget(t);
  const relay = await startDevRelay(t);
  const given = settings(relay.url, target.url, "sse", batching({ max_messages: 2 }));
  const run = startConnector(t, given);
  const binary = Uint8Array.from({ length: 256 }, (_, i) => i);
  const text = '{ "price": 1.10, "id": 12345678901234567890 }';
  for (const body of [binary, text]) {
    const response = await fetch(`${relay.url}/webhook/hook/sub?x=1`, {
      method: "PUT",
      body,
      headers: { "Content-Type": "application/json", "X-Signature": "abc" },
    });
    await response.body?.cancel();
  }
  await run.happened("settlement.confirmed", 2);
  const written = target.got.flatMap(({ body }) => writtenIn(body));
  assert.deepEqual(written.map(bytesOf), [binary, new TextEncoder().encode(text)]);
  assert.deepEqual(written.map(({ method, path }) => [method, path]), [
    ["PUT", "/sub?x=1"],
    ["PUT", "/sub?x=1"],
  ]);
  const headers = written[0]?.headers.map(([name, value]) => `${name.toLowerCase()}: ${value}`);
  assert.ok(headers?.includes("x-signature: abc"), String(headers));
});

test("a drain does not wait for a batch to fill, and nothing is given back or sent twice", async (t) => {
  const target = await startTarget(t);
  const relay = await startDevRelay(t);
  const given = settings(relay.url, target.url, "websocket", batching({ max_wait_seconds: 60 }));
  const run = startConnector(t, given);
  await publishAll(relay, 0, 30);
  await run.happened("delivery.received", 30);
  run.drain.abort();
  assert.deepEqual(await run.ended, { abandoned: 0 });
  // How many requests it took is chance: some were still on their way to the batch when the drain came.
  const written = target.got.flatMap(({ body }) => writtenIn(body).map((message) => message.body));
  assert.equal(written.length, 30);
  assert.equal(new Set(written).size, 30);
  assert.equal(relay.registry.named("dev")?.channel.stats.queued, 0);
  assert.equal(relay.registry.named("dev")?.channel.stats.inFlight, 0);
});

test("a target without batches beside one with them gets its webhooks one by one, at once", async (t) => {
  const single = await startTarget(t);
  const batched = await startTarget(t);
  const relay = await startDevRelay(t, { webhookIds: ["hook", "other"] });
  const given = settings(relay.url, single.url, "websocket", {
    targets: { other: { url: batched.url.href, batch: { max_messages: 3, max_wait_seconds: 60 } } },
  });
  const run = startConnector(t, given);
  for (const id of ["other", "hook", "other", "hook", "other"]) {
    const response = await fetch(`${relay.url}/webhook/${id}`, { method: "POST", body: "x" });
    await response.body?.cancel();
  }
  await run.happened("settlement.confirmed", 5);
  assert.equal(single.got.length, 2);
  assert.equal(batched.got.length, 1);
});

test("one request of many messages that fails is one failure of the target: its breaker stays closed", async (t) => {
  const target = await startTarget(t, (n) => n === 1 ? 503 : 200);
  const relay = await startDevRelay(t);
  const run = startConnector(
    t,
    settings(
      relay.url,
      target.url,
      "websocket",
      batching({ max_messages: 20, max_wait_seconds: 60 }),
    ),
  );
  await publishAll(relay, 0, 20);
  await run.happened("settlement.confirmed", 20);
  assert.deepEqual(target.got.map(({ body }) => writtenIn(body).length), [20, 20]);
  const types = new Set(run.events.map(({ type }) => type));
  assert.deepEqual([types.has("breaker.changed"), types.has("delivery.deferred")], [false, false]);
  assert.equal(relay.registry.named("dev")?.channel.stats.delivered, 20);
});

test("a request with five messages that fails is one failure for readiness and status too", async (t) => {
  const target = await startTarget(t, () => 503);
  const relay = await startDevRelay(t);
  const given = settings(relay.url, target.url, "websocket", {
    default_target: {
      batch: { max_messages: 5, max_wait_seconds: 60 },
      ...{ retry_delay_seconds: 600, retry_max_delay_seconds: 600 },
    },
  });
  const run = startConnector(t, given);
  await publishAll(relay, 0, 5);
  await run.happened("delivery.retrying", 5);
  const { observe, readiness, status } = foldStatus({
    clock: systemClock,
    targets: () => [{ name: "default", inFlight: 0, waiting: 0 }],
    about: {},
    now: quietNow,
  });
  run.events.forEach(observe);
  assert.equal(target.got.length, 1);
  assert.ok(readiness().ready, JSON.stringify(readiness()));
  const { targets } = status() as { targets: Record<string, Record<string, unknown>> };
  assert.equal(targets["default"]?.["failures_in_a_row"], 1);
  assert.match(String(targets["default"]?.["last_failure"]), /503/);
});
