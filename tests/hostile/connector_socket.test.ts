/** A connector over a WebSocket that has its token and means ill. */
import assert from "node:assert/strict";
import { maxBatchIds, maxMessageIdLength } from "../../src/protocol/limits.ts";
import type { RelayEvent } from "../../src/relay/relay_events.ts";
import { openSocket } from "../support/old_client.ts";
import { publish, startDevRelay } from "../support/rig.ts";
import { test } from "../support/test.ts";
import { turnsUntil } from "../support/turns_until.ts";

const headers = {
  "Authorization": "Bearer s3cret",
  "X-Connector-Capabilities": "ack-batch, ack-confirm",
};
/** What may wait for a connection (128 MiB), and more than the buffers of two sockets hold. */
const maxAnswerBytes = 152 * 1024 * 1024;

test("[websocket] a connector that settles and never reads is ended; what it is owed stays bounded", async (t) => {
  const relay = await startDevRelay(t);
  const channel = relay.registry.named("dev")?.channel;
  const { frame, socket, closed } = openSocket(t, relay, headers);
  await frame(0);
  let answered = 0;
  socket.removeAllListeners("message");
  socket.on("message", (data: Uint8Array) => answered += data.length);
  socket.pause();
  const ids = Array.from({ length: maxBatchIds }, () => "x".repeat(maxMessageIdLength));
  const text = JSON.stringify({ type: "ack", message_ids: ids });
  for (let n = 0; n < 70; n++) socket.send(text);
  await turnsUntil(() => channel?.subscribers.length === 0);
  socket.resume();
  await closed;
  assert.ok(answered < maxAnswerBytes, `${answered} bytes of answers`);
  assert.match(await publish(relay, "x"), /^msg_/);
});

test("[websocket] an id that no message has for its length is not echoed", async (t) => {
  const events: RelayEvent[] = [];
  const relay = await startDevRelay(t, {}, { observe: (event) => void events.push(event) });
  const { frame, say } = openSocket(t, relay, headers);
  await frame(0);
  say({ type: "ack", message_id: "x".repeat(maxMessageIdLength + 1) });
  say({ type: "ack", message_id: "short" });
  assert.deepEqual((await frame(1))["message_ids"], ["short"]);
  assert.equal(events.filter(({ type }) => type === "relay.frame_ignored").length, 1);
});
