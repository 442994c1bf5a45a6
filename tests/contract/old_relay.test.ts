/** Quirks of the old relay (../shared/protocol.md, [TOLERATE]) that a connector has to live with. */
import assert from "node:assert/strict";
import { fastClock } from "../support/fast_clock.ts";
import { startOldRelay } from "../support/old_relay.ts";
import { settings, startConnector, startTarget } from "../support/rig.ts";
import { test } from "../support/test.ts";

for (const protocol of ["websocket", "sse", "long_poll"] as const) {
  test(`[${protocol}] a channel that the relay does not know before its first webhook is connected to when it does`, async (t) => {
    const target = await startTarget(t);
    const relay = await startOldRelay(t, { isKnown: false, clock: fastClock(100) });
    const given = settings(relay.url, target.url, protocol, { exit_on_auth_failure: false });
    const run = startConnector(t, given);
    await run.happened("stream.failed", 2);
    relay.publish("{}");
    await run.happened("delivery.succeeded");
  });
}

for (const protocol of ["websocket", "sse"] as const) {
  test(`[${protocol}] the same message twice in a row is delivered once, and both copies are settled`, async (t) => {
    let answer = (_status: number) => {};
    const target = await startTarget(t, () => new Promise((resolve) => answer = resolve));
    const relay = await startOldRelay(t);
    const run = startConnector(t, settings(relay.url, target.url, protocol));
    const id = relay.publish("1");
    await target.arrived(1);
    const [connection] = relay.streams;
    const message = connection?.inFlight.get(id);
    assert.ok(connection && message);
    connection.send(message);
    await run.happened("delivery.duplicate");
    answer(200);
    await run.happened("settlement.confirmed");
    connection.send(message);
    await run.happened("settlement.confirmed", 2);
    assert.equal(target.got.length, 1);
    assert.deepEqual(relay.acked, [id]);
  });

  test(`[${protocol}] frames of unknown or broken kinds are counted and change nothing; a broken webhook with an id is put away`, async (t) => {
    const target = await startTarget(t);
    const relay = await startOldRelay(t);
    const run = startConnector(t, settings(relay.url, target.url, protocol));
    await relay.until(() => relay.streams.length === 1);
    const [connection] = relay.streams;
    assert.ok(connection);
    const say = (type: string, json: string) =>
      connection.raw(protocol === "sse" ? `event: ${type}\ndata: ${json}\n\n` : json);
    say("tea", '{"type":"tea"}');
    say("webhook", '{"type":"webhook","message_id":"msg_bad"}');
    say("webhook", "[1,2]");
    say("webhook", "{");
    await run.happened("stream.frame_ignored", 4);
    await run.happened("settlement.confirmed");
    relay.publish("{}");
    await run.happened("delivery.succeeded");
    const kinds = run.events.flatMap((event) =>
      event.type === "stream.frame_ignored" ? [event.kind] : []
    );
    assert.deepEqual(kinds, ["unknown", "malformed", "malformed", "malformed"]);
    const settled = run.events.find((event) => event.type === "settlement.confirmed");
    assert.deepEqual(
      [settled?.messageId, settled?.verdict, settled?.retry],
      ["msg_bad", "nack", false],
    );
    assert.equal(run.events.filter(({ type }) => type === "stream.connected").length, 1);
  });
}

test("[websocket] heartbeats are answered, so that the relay goes on giving messages out", async (t) => {
  const target = await startTarget(t);
  const relay = await startOldRelay(t, { clock: fastClock(1_000) });
  const run = startConnector(t, settings(relay.url, target.url, "websocket"));
  const beats = () => relay.said.filter((text) => JSON.parse(text).type === "heartbeat").length;
  await relay.until(() => beats() >= 5);
  assert.equal(relay.streams[0]?.deaf, false);
  relay.publish("{}");
  await run.happened("delivery.succeeded");
});

test("[websocket] nothing but JSON objects is ever said: one bad frame would make the relay deaf", async (t) => {
  const target = await startTarget(t, (n) => n === 1 ? 404 : 200);
  const relay = await startOldRelay(t);
  const run = startConnector(t, settings(relay.url, target.url, "websocket"));
  relay.publish("1");
  relay.publish("2");
  await run.happened("settlement.confirmed", 2);
  run.drain.abort();
  await run.ended;
  assert.ok(relay.said.length >= 2);
  for (const text of relay.said) assert.equal(typeof JSON.parse(text).type, "string", text);
  // What the relay did not offer is not used: no batches, no drain.
  for (const text of relay.said) assert.doesNotMatch(text, /message_ids|drain/);
});

test("[sse] the stream that ends with max_connections_reached is a failed attempt", async (t) => {
  const relay = await startOldRelay(t);
  const nowhere = new URL("http://127.0.0.1:1/");
  for (let i = 1; i <= 10; i++) {
    startConnector(t, settings(relay.url, nowhere, "sse"));
    await relay.until(() => relay.streams.length === i);
  }
  const eleventh = startConnector(t, settings(relay.url, nowhere, "sse"));
  await eleventh.happened("stream.failed");
  const failed = eleventh.events.find((event) => event.type === "stream.failed");
  assert.match(failed?.message ?? "", /max_connections_reached/);
  assert.equal(failed?.failureClass, "unavailable");
});

test("[websocket] a connection closed with 4003 is a failed attempt that is repeated", async (t) => {
  const relay = await startOldRelay(t);
  const nowhere = new URL("http://127.0.0.1:1/");
  for (let i = 1; i <= 10; i++) {
    startConnector(t, settings(relay.url, nowhere, "websocket"));
    await relay.until(() => relay.streams.length === i);
  }
  const eleventh = startConnector(t, settings(relay.url, nowhere, "websocket"));
  await eleventh.happened("stream.failed", 2);
  const failed = eleventh.events.find((event) => event.type === "stream.failed");
  assert.match(failed?.message ?? "", /Max connections/);
});

test("[long_poll] a message that comes with every poll is delivered once, and the polls slow down", async (t) => {
  const clock = fastClock(100);
  const target = await startTarget(t);
  const relay = await startOldRelay(t, { clock });
  const run = startConnector(t, settings(relay.url, target.url, "long_poll"), { clock });
  const startedAt = clock.now();
  relay.publish("{}");
  await run.happened("delivery.duplicate", 5);
  assert.equal(target.got.length, 1);
  // Five repeats with a pause of a second of the connector's clock behind each but the last.
  assert.ok(clock.now() - startedAt >= 4_000);
  relay.publish("2");
  await run.happened("delivery.succeeded", 2);
});

test("masked headers do not reach the target, and what describes the old body is set anew", async (t) => {
  const target = await startTarget(t);
  const relay = await startOldRelay(t);
  const run = startConnector(t, settings(relay.url, target.url, "websocket"));
  relay.publish('{"a": "b"}', {
    "authorization": "***REDACTED***",
    "x-github-event": "push",
    "content-type": "application/json; charset=latin-1",
    "content-encoding": "gzip",
  });
  await run.happened("delivery.succeeded");
  const headers = target.got[0]?.headers ?? {};
  assert.equal(headers["authorization"], undefined);
  assert.equal(headers["content-encoding"], undefined);
  assert.equal(headers["x-github-event"], "push");
  assert.equal(headers["content-type"], "application/json");
  assert.equal(headers["content-length"], "9");
});

test("legacy_headers sends the old connector's X-Original headers too", async (t) => {
  const target = await startTarget(t);
  const relay = await startOldRelay(t);
  const given = settings(relay.url, target.url, "websocket", { legacy_headers: true });
  const run = startConnector(t, given);
  relay.publish("{}", { "x-github-event": "push", "content-type": "application/json" });
  await run.happened("delivery.succeeded");
  const headers = target.got[0]?.headers ?? {};
  assert.equal(headers["x-original-x-github-event"], "push");
  assert.equal(headers["x-original-host"], "relay.example");
  assert.equal(headers["x-github-event"], "push");
});
