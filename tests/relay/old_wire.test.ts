/** Our relay as a connector of the old kind sees it: no capabilities, the old frames, the old answers. */
import assert from "node:assert/strict";
import { WebSocket } from "ws";
import { maxFrameBytes } from "../../src/protocol/limits.ts";
import { SseDecoder } from "../../src/protocol/sse.ts";
import type { Relay } from "../../src/relay/relay.ts";
import { channelConfig } from "../../src/relay/webhooks_file.ts";
import { readText, type TextEvent } from "../support/sse_text.ts";
import { type Json, openSocket } from "../support/old_client.ts";
import { ManualClock } from "../support/manual_clock.ts";
import { publish, startDevRelay } from "../support/rig.ts";
import { test, type TestContext } from "../support/test.ts";
import { turnsUntil } from "../support/turns_until.ts";

const bearer = { Authorization: "Bearer s3cret" };

/** The status a refused upgrade is answered with. */
function refusal(relay: Relay, path: string, headers: Record<string, string>): Promise<number> {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(`${relay.url.replace("http", "ws")}${path}`, { headers });
    socket.on("error", () => {});
    socket.on("open", () => reject(new Error("it was accepted")));
    socket.on("unexpected-response", (request, response) => {
      resolve(response.statusCode ?? 0);
      request.destroy();
    });
  });
}

async function openSse(t: TestContext, relay: Relay) {
  const abort = new AbortController();
  const response = await fetch(`${relay.url}/connect/stream/dev/sse`, {
    headers: bearer,
    signal: abort.signal,
  });
  assert.match(response.headers.get("content-type") ?? "", /^text\/event-stream/);
  const reader = response.body?.getReader();
  assert.ok(reader);
  t.defer(async () => {
    await reader.cancel().catch(() => {});
    abort.abort();
  });
  const decoder = new SseDecoder(maxFrameBytes);
  const events: TextEvent[] = [];
  return {
    async next(): Promise<TextEvent> {
      for (;;) {
        const event = events.shift();
        if (event) return event;
        const { value, done } = await reader.read();
        if (done) throw new Error("the stream ended");
        for (const byte of value) assert.ok(byte < 0x80, "not ASCII");
        events.push(...readText(decoder, value));
      }
    },
  };
}

async function ask(relay: Relay, path: string, init: RequestInit = {}) {
  const response = await fetch(`${relay.url}${path}`, init);
  const text = await response.text();
  return { status: response.status, body: (text === "" ? undefined : JSON.parse(text)) as Json };
}

function ack(relay: Relay, connectionId: unknown, messageId: unknown, query = "") {
  return ask(relay, `/connect/ack?message_id=${messageId}${query}`, {
    method: "POST",
    headers: { ...bearer, "X-Connection-ID": String(connectionId) },
  });
}

const stats = (relay: Relay) => relay.registry.named("dev")?.channel.stats;

test("[websocket] connected, then webhooks with headers and payload; ack and nack as frames; heartbeats need no answer", async (t) => {
  const relay = await startDevRelay(t);
  const { frame, say } = await openSocket(t, relay);
  const connected = await frame(0);
  assert.equal(connected["type"], "connected");
  assert.equal(connected["channel"], "dev");
  assert.match(String(connected["connection_id"]), /^wsc_\d+_\d+$/);
  const id = await publish(relay, '{"n": 1.10, "é": [1, 2]}');
  const webhook = await frame(1);
  assert.equal(webhook["type"], "webhook");
  assert.equal(webhook["message_id"], id);
  assert.equal(webhook["webhook_id"], "hook");
  assert.equal(webhook["sequence"], 1);
  assert.deepEqual(webhook["payload"], { n: 1.1, é: [1, 2] });
  assert.equal(typeof (webhook["headers"] as Json)["user-agent"], "string");
  assert.equal(webhook["body"], undefined);
  say({ type: "heartbeat", timestamp: "x" });
  say({ type: "nack", message_id: id, retry: true });
  const again = await frame(2);
  assert.equal(again["message_id"], id);
  assert.equal(again["sequence"], 1);
  say({ type: "ack", message_id: "msg_unknown" });
  say({ type: "ack", message_id: id });
  say({ type: "ack", message_id: id });
  const second = await publish(relay, "not json");
  const text = await frame(3);
  assert.equal(text["payload"], "not json");
  say({ type: "nack", message_id: second, retry: false });
  await publish(relay, "3");
  await frame(4);
  assert.equal(stats(relay)?.delivered, 1);
  assert.equal(stats(relay)?.deadLettered, 1);
});

test("[websocket] a frame that is no JSON object is ignored, a binary one ends the connection with 1003", async (t) => {
  const relay = await startDevRelay(t);
  const { socket, closed, frame, say } = await openSocket(t, relay);
  await frame(0);
  for (const text of ["{", "[]", "7", '{"type":"tea"}']) socket.send(text);
  const id = await publish(relay, "1");
  await frame(1);
  say({ type: "ack", message_id: id });
  socket.send(new Uint8Array([1, 2]));
  assert.equal(await closed, 1003);
  assert.equal(stats(relay)?.delivered, 1);
});

test("[websocket] a socket that closes gives its messages back at once, and nothing is lost while nobody is there", async (t) => {
  const relay = await startDevRelay(t);
  const first = await openSocket(t, relay);
  await first.frame(0);
  const id = await publish(relay, "1");
  await first.frame(1);
  first.socket.terminate();
  await first.closed;
  const away = await publish(relay, "2");
  const second = await openSocket(t, relay);
  const got = [(await second.frame(1))["message_id"], (await second.frame(2))["message_id"]];
  assert.deepEqual(got.sort(), [id, away].sort());
  assert.equal(stats(relay)?.deadLettered, 0);
});

test("[websocket] what is refused is refused before the upgrade: 401, 426, 429", async (t) => {
  const relay = await startDevRelay(t, { maxConnections: 1 });
  const path = "/connect/stream/dev";
  assert.equal(await refusal(relay, path, {}), 401);
  assert.equal(await refusal(relay, path, { Authorization: "Bearer wrong" }), 401);
  assert.equal(await refusal(relay, "/connect/stream/nope", bearer), 401);
  assert.equal((await ask(relay, path, { headers: bearer })).status, 426);
  const { frame } = await openSocket(t, relay, { Authorization: "s3cret" });
  await frame(0);
  assert.equal(await refusal(relay, path, bearer), 429);
});

test("a token in the URL is taken only where the relay is told to", async (t) => {
  const closed = await startDevRelay(t);
  assert.equal((await ask(closed, "/connect/stream/dev/poll?timeout=1&token=s3cret")).status, 401);
  const open = await startDevRelay(t, {}, { allowQueryToken: true });
  assert.equal((await ask(open, "/connect/stream/dev/poll?timeout=1&token=s3cret")).status, 204);
  const wrong = { headers: { Authorization: "Bearer wrong" } };
  assert.equal((await ask(open, "/connect/stream/dev/poll?token=s3cret", wrong)).status, 401);
});

test("[sse] events on one line, ASCII alone; acks by POST: 200, then 404 for the same again", async (t) => {
  const relay = await startDevRelay(t);
  const { next } = await openSse(t, relay);
  const connected = await next();
  assert.equal(connected.event, "connected");
  const { connection_id } = JSON.parse(connected.data);
  const id = await publish(relay, '{"s":"é☃😀"}');
  const webhook = await next();
  assert.equal(webhook.event, "webhook");
  assert.deepEqual(JSON.parse(webhook.data).payload, { s: "é☃😀" });
  assert.deepEqual(await ack(relay, connection_id, id), {
    status: 200,
    body: { status: "ok", message_id: id },
  });
  assert.deepEqual(await ack(relay, connection_id, id), {
    status: 404,
    body: { detail: "Message not in flight" },
  });
  assert.deepEqual(await ack(relay, "sse_0_0", id), {
    status: 404,
    body: { detail: "Connection not found" },
  });
  assert.equal((await ask(relay, "/connect/ack?message_id=x", { method: "POST" })).status, 422);
  const second = await publish(relay, "2");
  await next();
  assert.equal((await ack(relay, connection_id, second, "&status=nack&retry=false")).status, 200);
  assert.equal(stats(relay)?.deadLettered, 1);
});

test("where another channel has the same token a settlement by POST finds its own, also of a connection that has ended", async (t) => {
  const other = channelConfig({ name: "other", token: "s3cret", webhookIds: ["other"] });
  const relay = await startDevRelay(t, {}, { channels: [other] });
  const { frame, socket } = openSocket(t, relay, { ...bearer, "X-Connector-ID": "k1" });
  const id = (await frame(0))["connection_id"] as string;
  const [first, second] = [await publish(relay, "1"), await publish(relay, "2")];
  await frame(2);
  const extended = await ask(relay, "/connect/extend", {
    method: "POST",
    headers: { ...bearer, "X-Connection-ID": id },
    body: JSON.stringify({ message_ids: [first, second] }),
  });
  assert.deepEqual(extended.body, { extended: 2 });
  assert.equal((await ack(relay, id, first)).status, 200);
  socket.close();
  await turnsUntil(() => stats(relay)?.inFlight === 0);
  const late = await ask(relay, "/connect/acks", {
    method: "POST",
    headers: { ...bearer, "X-Connection-ID": id, "X-Connector-ID": "k1" },
    body: JSON.stringify({ acks: [second] }),
  });
  assert.deepEqual(late.body, { results: [{ message_id: second, status: "settled" }] });
  assert.equal(stats(relay)?.delivered, 2);
});

test("[long_poll] several messages in one answer, acknowledged after it; 204 when there is nothing; 422 out of range", async (t) => {
  const relay = await startDevRelay(t);
  const ids = [await publish(relay, "1"), await publish(relay, "2"), await publish(relay, "3")];
  const poll = (query: string) =>
    ask(relay, `/connect/stream/dev/poll?${query}`, { headers: bearer });
  const answer = await poll("timeout=1&max_messages=2");
  assert.equal(answer.status, 200);
  assert.equal(answer.body["channel"], "dev");
  const messages = answer.body["messages"] as Json[];
  assert.deepEqual(messages.map(({ message_id }) => message_id), ids.slice(0, 2));
  assert.deepEqual(messages.map(({ payload }) => payload), [1, 2]);
  for (const id of ids.slice(0, 2)) {
    assert.equal((await ack(relay, answer.body["connection_id"], id)).status, 200);
  }
  const rest = await poll("timeout=1");
  assert.equal((rest.body["messages"] as Json[]).length, 1);
  assert.equal((await poll("timeout=1")).status, 204);
  for (
    const query of ["timeout=0", "timeout=61", "max_messages=0", "max_messages=101", "timeout=x"]
  ) {
    assert.equal((await poll(query)).status, 422, query);
  }
});

test("the status of a channel tells what is queued, in flight, delivered and dead", async (t) => {
  const relay = await startDevRelay(t);
  await publish(relay, "1");
  const { status, body } = await ask(relay, "/connect/status/dev", { headers: bearer });
  assert.equal(status, 200);
  assert.deepEqual(body["stats"], {
    channel: "dev",
    messages_queued: 1,
    messages_in_flight: 0,
    messages_delivered: 0,
    messages_expired: 0,
    messages_dead_lettered: 0,
    connected_clients: 0,
  });
  assert.equal((await ask(relay, "/connect/status/dev")).status, 422);
  const wrong = { headers: { Authorization: "Bearer wrong" } };
  assert.equal((await ask(relay, "/connect/status/dev", wrong)).status, 401);
});

test("[sse] heartbeats come on time although messages flow", async (t) => {
  const clock = new ManualClock();
  const relay = await startDevRelay(t, { ackTimeoutMs: 600_000 }, { clock });
  const { next } = await openSse(t, relay);
  assert.equal((await next()).event, "connected");
  const seen: string[] = [];
  for (let round = 0; round < 6; round++) {
    await publish(relay, String(round));
    seen.push((await next()).event);
    await clock.advance(10_000);
    if (round % 3 === 2) seen.push((await next()).event);
  }
  const three = ["webhook", "webhook", "webhook", "heartbeat"];
  assert.deepEqual(seen, [...three, ...three]);
});

test("[sse] a stream whose connector settles nothing for three ack timeouts is ended; the message goes to the next", async (t) => {
  const clock = new ManualClock();
  const relay = await startDevRelay(t, {}, { clock });
  const channel = relay.registry.named("dev")?.channel;
  const silent = await openSse(t, relay);
  await silent.next();
  await clock.advance(600_000); // an idle stream owes nothing
  const id = await publish(relay, "1");
  await clock.advance(89_999);
  assert.equal(channel?.subscribers.length, 1);
  await clock.advance(1);
  assert.equal(channel?.subscribers.length, 0);
  await assert.rejects(async () => {
    for (;;) await silent.next();
  }, /the stream ended/);
  const { frame } = openSocket(t, relay);
  assert.equal((await frame(1))["message_id"], id);
  assert.equal(stats(relay)?.deadLettered, 0);
});

test("[sse] a stream whose connector is slow, and settles something now and then, goes on", async (t) => {
  const clock = new ManualClock();
  const relay = await startDevRelay(t, { maxDeliveries: 1_000 }, { clock });
  const { next } = await openSse(t, relay);
  const { connection_id } = JSON.parse((await next()).data);
  await publish(relay, "stuck");
  for (let n = 0; n < 5; n++) {
    const id = await publish(relay, String(n));
    await clock.advance(80_000);
    assert.equal((await ack(relay, connection_id, id)).status, 200);
  }
  assert.equal(relay.registry.named("dev")?.channel.subscribers.length, 1);
});
