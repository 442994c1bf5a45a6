/** What is larger than the limits: named, survived, never crashed on. */
import assert from "node:assert/strict";
import { WebSocketServer } from "ws";
import {
  maxBodyBytes,
  maxChannelBodyBytes,
  maxFrameBytes,
  maxHeaderChars,
  maxPathLength,
} from "../../src/protocol/limits.ts";
import { encodeBinaryWebhook, encodeWebhook } from "../../src/protocol/webhook_codec.ts";
import { startHttpServer } from "../support/http_server.ts";
import { ManualClock, settle } from "../support/manual_clock.ts";
import { openSocket } from "../support/old_client.ts";
import { publish, settings, startConnector, startDevRelay, startTarget } from "../support/rig.ts";
import { test } from "../support/test.ts";
import { turnsUntil } from "../support/turns_until.ts";

const connected = '{"type":"connected","connection_id":"c","channel":"dev"}';
const webhook = (id: string, payload: string) =>
  `{"type":"webhook","message_id":"${id}","webhook_id":"hook","sequence":1,"timestamp":"","headers":{},"payload":"${payload}"}`;
const huge = webhook("huge", "x".repeat(maxFrameBytes));
const small = webhook("small", "x");

for (const protocol of ["websocket", "sse", "long_poll"] as const) {
  test(`[${protocol}] a frame over the limit ends the connection with the reason; the next one works`, async (t) => {
    const target = await startTarget(t);
    let connections = 0;
    const { server, url } = await startHttpServer(t, (request, response) => {
      if (request.method === "POST") return void response.end('{"status":"ok"}');
      const first = ++connections === 1;
      if (protocol === "sse") {
        response.writeHead(200, { "Content-Type": "text/event-stream" });
        response.write(`event: connected\ndata: ${connected}\n\n`);
        response.write(`event: webhook\ndata: ${first ? huge : small}\n\n`);
        return;
      }
      if (connections > 2) return; // a poll that waits
      response.writeHead(200, { "Content-Type": "application/json" });
      response.end(`${connected.slice(0, -1)},"messages":[${first ? huge : small}]}`);
    });
    const wss = new WebSocketServer({ server });
    t.defer(() => wss.close());
    wss.on("connection", (socket) => {
      socket.on("error", () => {});
      socket.send(connected);
      socket.send(++connections === 1 ? huge : small);
    });
    const run = startConnector(t, settings(url, target.url, protocol));
    await run.happened("settlement.confirmed");
    const failed = run.events.find((event) => event.type === "stream.failed");
    assert.match(failed?.message ?? "", /larger than|too large|over|exceeded/i);
    assert.deepEqual(target.got.map(({ headers }) => headers["x-webhook-message-id"]), ["small"]);
  });
}

test("the relay takes a body up to the channel's limit and refuses a larger one with 413, chunked or not", async (t) => {
  const relay = await startDevRelay(t, { maxBodyBytes: 1_000 });
  const post = async (body: BodyInit) => {
    const response = await fetch(`${relay.url}/webhook/hook`, { method: "POST", body });
    return { status: response.status, text: await response.text() };
  };
  const chunks = (count: number) =>
    new ReadableStream({
      start(controller) {
        for (let i = 0; i < count; i++) controller.enqueue(new Uint8Array(100));
        controller.close();
      },
    });
  assert.equal((await post("x".repeat(1_000))).status, 202);
  assert.equal((await post(chunks(10))).status, 202);
  const refused = await post("x".repeat(1_001));
  assert.equal(refused.status, 413);
  assert.match(refused.text, /at most 1000 bytes/);
  assert.equal((await post(chunks(11))).status, 413);
  assert.equal(relay.registry.named("dev")?.channel.stats.queued, 2);
});

test("a channel that was made to take more than any frame carries takes no more than one can", async (t) => {
  const relay = await startDevRelay(t, { maxBodyBytes: 50 * 1024 * 1024 });
  const body = new Uint8Array(45 * 1024 * 1024 + 1);
  const response = await fetch(`${relay.url}/webhook/hook`, { method: "POST", body });
  await response.body?.cancel();
  assert.equal(response.status, 413);
});

test("[websocket] what no text would carry comes as it is", async (t) => {
  const target = await startTarget(t);
  const relay = await startDevRelay(t, { maxBodyBytes: 45 * 1024 * 1024 });
  const id = await publish(relay, "\x01".repeat(12 * 1024 * 1024));
  const run = startConnector(t, settings(relay.url, target.url, "websocket"));
  await run.happened("settlement.confirmed");
  assert.ok(
    run.events.some((event) => event.type === "delivery.succeeded" && event.messageId === id),
  );
  assert.equal(target.got[0]?.body.byteLength, 12 * 1024 * 1024);
});

for (const protocol of ["sse", "long_poll"] as const) {
  test(`[${protocol}] what no frame carries is a dead letter that says so, and what is behind it comes`, async (t) => {
    const target = await startTarget(t);
    const relay = await startDevRelay(t, { maxBodyBytes: 45 * 1024 * 1024 });
    await publish(relay, "\x01".repeat(12 * 1024 * 1024));
    const small = await publish(relay, "small");
    const large = await publish(relay, "a".repeat(20 * 1024 * 1024));
    const run = startConnector(t, settings(relay.url, target.url, protocol));
    await run.happened("settlement.confirmed", 2);
    const settled = run.events.flatMap((event) =>
      event.type === "settlement.confirmed" ? [event.messageId] : []
    );
    assert.deepEqual(settled.toSorted(), [small, large].toSorted());
    const [letter] = await relay.registry.named("dev")?.channel.deadLetters(1) ?? [];
    assert.match(letter?.reason ?? "", /^it does not fit into a frame of 67108864 bytes$/);
    assert.equal(run.events.some(({ type }) => type === "stream.disconnected"), false);
  });
}

for (const [name, byte] of [["control characters", 0x01], ["no text", 0xff]] as const) {
  test(`a frame carries the largest body in either form, though it is all ${name}`, () => {
    const long = ["x-long", "\xff".repeat(maxHeaderChars)] as const;
    const envelope = {
      ...{ id: "a".repeat(256), webhookId: "hook", sequence: 1, receivedAt: "", method: "POST" },
      ...{ path: '"'.repeat(maxPathLength), headers: [long], deliveryCount: 1 },
      body: new Uint8Array(maxBodyBytes).fill(byte),
    };
    for (const style of [{ exactBody: true, ascii: false }, { exactBody: false, ascii: true }]) {
      const bytes = Buffer.byteLength(encodeWebhook(envelope, style));
      assert.ok(bytes < maxFrameBytes, `${bytes} bytes`);
    }
    const largest = { ...envelope, body: new Uint8Array(maxChannelBodyBytes).fill(byte) };
    assert.ok(encodeBinaryWebhook(largest).byteLength < maxFrameBytes);
  });
}

test("[websocket] the relay hands a connector that does not read so much and no more; in the end it has all", async (t) => {
  const relay = await startDevRelay(t, { maxInFlight: 100 });
  const { frame, say, socket } = openSocket(t, relay);
  await frame(0);
  socket.pause();
  const ids: unknown[] = [];
  for (let n = 0; n < 14; n++) ids.push(await publish(relay, "x".repeat(8_000_000)));
  await settle();
  const channel = relay.registry.named("dev")?.channel;
  assert.notEqual(channel?.stats.queued, 0);
  socket.resume();
  for (let n = 0; n < 14; n++) {
    const { message_id } = await frame(n + 1);
    assert.equal(message_id, ids[n]);
    say({ type: "ack", message_id });
  }
  await turnsUntil(() => channel?.stats.delivered === 14);
});

test("[websocket] a connector whose leases ended before it had read so much goes on with its next heartbeat", async (t) => {
  const clock = new ManualClock();
  const options = { clock, heartbeatMs: 1e9 };
  const relay = await startDevRelay(t, { maxInFlight: 100, ackTimeoutMs: 1_000 }, options);
  const { frame, say, socket } = openSocket(t, relay);
  await frame(0);
  socket.pause();
  for (let n = 0; n < 14; n++) await publish(relay, "x".repeat(8_000_000));
  await settle();
  const channel = relay.registry.named("dev")?.channel;
  const handed = channel?.stats.inFlight ?? 0;
  await clock.advance(1_000);
  assert.equal(channel?.stats.inFlight, 0);
  socket.resume();
  await frame(handed);
  await turnsUntil(() => {
    say({ type: "heartbeat" });
    return channel?.stats.inFlight !== 0;
  });
  await frame(handed + 1);
});

test("a full channel answers 503 with Retry-After, an unknown id 404", async (t) => {
  const relay = await startDevRelay(t, { maxMessages: 2 });
  const post = (id: string) => fetch(`${relay.url}/webhook/${id}`, { method: "POST", body: "x" });
  for (const expected of [202, 202, 503]) {
    const response = await post("hook");
    await response.body?.cancel();
    assert.equal(response.status, expected);
    assert.equal(response.headers.get("retry-after"), expected === 503 ? "30" : null);
  }
  const unknown = await post("nope");
  assert.deepEqual(await unknown.json(), { detail: "Webhook not found" });
  assert.equal(unknown.status, 404);
});
