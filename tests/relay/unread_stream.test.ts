/** A connector that does not read its event stream: it is owed so much and no more, and not for ever. */
import assert from "node:assert/strict";
import http from "node:http";
import { maxFrameBytes } from "../../src/protocol/limits.ts";
import { SseDecoder } from "../../src/protocol/sse.ts";
import type { Relay, RelayOptions } from "../../src/relay/relay.ts";
import type { RelayEvent } from "../../src/relay/relay_events.ts";
import type { ChannelConfig } from "../../src/relay/registry.ts";
import { ManualClock, settle } from "../support/manual_clock.ts";
import { publish, startDevRelay } from "../support/rig.ts";
import { readText, type TextEvent } from "../support/sse_text.ts";
import { test, type TestContext } from "../support/test.ts";
import { turnsUntil } from "../support/turns_until.ts";

const bearer = { Authorization: "Bearer s3cret" };
const large = "x".repeat(8_000_000);
const messages = 16;
/** No more of them fit into what may wait for one stream (64 MiB) and into the sockets. */
const most = 12;

const channel = (relay: Relay) => relay.registry.named("dev")?.channel;

/** A stream of whose events only the first is read, until it is resumed. */
async function openUnread(t: TestContext, relay: Relay) {
  const events: TextEvent[] = [];
  const decoder = new SseDecoder(maxFrameBytes);
  const request = http.get(`${relay.url}/connect/stream/dev/sse`, { headers: bearer });
  t.defer(() => request.destroy());
  const response = await new Promise<http.IncomingMessage>((resolve, reject) => {
    request.on("error", reject).on("response", resolve);
  });
  response.on("error", () => {});
  response.on("data", (chunk: Uint8Array<ArrayBuffer>) => {
    if (events.length === 0) response.pause();
    events.push(...readText(decoder, chunk));
  });
  const ended = new Promise<void>((resolve) => response.on("close", resolve));
  await turnsUntil(() => events.length > 0);
  return { events, response, ended };
}

/** A relay that has large messages for a stream that is not read. */
async function start(
  t: TestContext,
  overrides: Partial<ChannelConfig> = {},
  options: Partial<RelayOptions> = {},
) {
  const seen: RelayEvent[] = [];
  const observe = (event: RelayEvent) => void seen.push(event);
  const relay = await startDevRelay(t, overrides, { observe, ...options });
  const stream = await openUnread(t, relay);
  const ids: string[] = [];
  for (let n = 0; n < messages; n++) ids.push(await publish(relay, large));
  await settle();
  const handedOut = () => seen.filter(({ type }) => type === "relay.handed_out").length;
  return { relay, stream, ids, handedOut };
}

test("[sse] the relay hands a connector that does not read so much and no more; in the end it has all", async (t) => {
  const { relay, stream: { events, response }, handedOut } = await start(t);
  assert.ok(handedOut() <= most, `${handedOut()} are handed out`);
  const { connection_id } = JSON.parse(events[0]?.data ?? "");
  response.resume();
  for (let n = 1; n <= messages; n++) {
    await turnsUntil(() => events.length > n);
    const { message_id } = JSON.parse(events[n]?.data ?? "");
    const answer = await fetch(`${relay.url}/connect/ack?message_id=${message_id}`, {
      method: "POST",
      headers: { ...bearer, "X-Connection-ID": connection_id },
    });
    await answer.body?.cancel();
  }
  assert.equal(channel(relay)?.stats.delivered, messages);
});

test("[sse] what is not read is not said anew when its lease has ended; after three ack timeouts it is dropped with the stream", async (t) => {
  const clock = new ManualClock();
  const { relay, stream, handedOut } = await start(t, { ackTimeoutMs: 1_000 }, {
    clock,
    heartbeatMs: 500,
  });
  const handed = handedOut();
  clock.jump(-7_200_000); // somebody sets the clock: no time has passed, and none has to pass again
  await clock.advance(2_500);
  assert.equal(handedOut(), handed);
  await clock.advance(1_000);
  assert.equal(channel(relay)?.subscribers.length, 0);
  assert.equal(channel(relay)?.stats.queued, messages);
  stream.response.resume();
  await stream.ended;
  assert.ok(stream.events.length <= 1 + most - 8, `${stream.events.length} were kept for it`);
});

test("[sse] a connector that does not read while it works on what it has, and extends it, is not cut", async (t) => {
  const clock = new ManualClock();
  const { relay, stream, ids, handedOut } = await start(t, { ackTimeoutMs: 1_000 }, {
    clock,
    heartbeatMs: 500,
  });
  const handed = handedOut();
  const { connection_id } = JSON.parse(stream.events[0]?.data ?? "");
  for (let n = 0; n < 10; n++) {
    const answer = await fetch(`${relay.url}/connect/extend`, {
      method: "POST",
      headers: { ...bearer, "X-Connection-ID": connection_id },
      body: JSON.stringify({ message_ids: ids.slice(0, handed) }),
    });
    assert.deepEqual(await answer.json(), { extended: handed });
    await clock.advance(900);
  }
  assert.equal(channel(relay)?.subscribers.length, 1);
});
