import assert from "node:assert/strict";
import {
  decodeAckBatch,
  decodeConnectorFrame,
  encodeAckBatch,
  encodeConnectorFrame,
  encodeExtensions,
} from "../../src/protocol/connector_codec.ts";
import {
  allCapabilities,
  type Capability,
  type ConnectorFrame,
  type Extension,
} from "../../src/protocol/frames.ts";
import { decodeRelayFrame, encodeRelayFrame } from "../../src/protocol/relay_codec.ts";
import { test } from "../support/test.ts";

const timestamp = "2026-11-25T00:00:00.000Z";
const connectionId = "c1";
const untried: ConnectorFrame = {
  type: "settle",
  settlements: [
    { messageId: "a", connectionId, verdict: "nack", retry: true, attempted: false },
    { messageId: "b", connectionId, verdict: "nack", retry: true, reason: "no", attempted: true },
  ],
};
const extend: Extension = { type: "extend", messageIds: ["a", "b"], connectionId };

test("a relay that does not extend leases is told nothing of it, and hears the frames it knows", () => {
  const known: Capability[] = ["exact-body", "ack-batch", "ack-confirm", "drain"];
  assert.deepEqual(encodeConnectorFrame(extend, known, timestamp), []);
  assert.deepEqual(encodeConnectorFrame(untried, known, timestamp), [
    '{"type":"nack","message_id":"a","retry":true}',
    '{"type":"nack","message_id":"b","retry":true,"reason":"no"}',
  ]);
});

test("an extension and what was given back untried are read as they were said", () => {
  const said = [extend, untried].flatMap((frame) =>
    encodeConnectorFrame(frame, allCapabilities, timestamp)
  );
  assert.deepEqual(said, [
    '{"type":"extend","message_ids":["a","b"]}',
    '{"type":"nack","message_id":"a","retry":true,"attempted":false}',
    '{"type":"nack","message_id":"b","retry":true,"reason":"no"}',
  ]);
  const heard = said.map((text) => decodeConnectorFrame(text, connectionId));
  assert.deepEqual(heard[0], extend);
  assert.deepEqual(heard[1], { type: "settle", settlements: [untried.settlements[0]] });
  const batch = encodeAckBatch(untried.settlements);
  assert.equal(
    batch,
    '{"acks":[],"nacks":[{"message_id":"a","retry":true,"attempted":false},' +
      '{"message_id":"b","retry":true,"reason":"no"}]}',
  );
  const decoded = decodeAckBatch(batch, connectionId);
  assert.ok(typeof decoded !== "string");
  assert.deepEqual(decoded[0], untried.settlements[0]);
});

test("more ids than one frame may have are parted; a frame that has more is malformed", () => {
  const messageIds = Array.from({ length: 25_000 }, (_, n) => `m${n}`);
  const sizes = (texts: readonly string[]) =>
    texts.map((text) => JSON.parse(text).message_ids.length);
  const frames = encodeConnectorFrame({ ...extend, messageIds }, ["extend"], timestamp);
  assert.deepEqual(sizes(frames), [10_000, 10_000, 5_000]);
  assert.deepEqual(sizes(encodeExtensions({ ...extend, messageIds })), [10_000, 10_000, 5_000]);
  for (const message_ids of [undefined, "a", [1], messageIds]) {
    const text = JSON.stringify({ type: "extend", message_ids });
    assert.equal(decodeConnectorFrame(text, connectionId).type, "malformed");
  }
});

test("that there are no others in hand is said where all of them fit into one frame", () => {
  const all = (messageIds: readonly string[]) => {
    const extension = { ...extend, messageIds, isAll: true };
    const texts = encodeConnectorFrame(extension, ["extend"], timestamp);
    assert.deepEqual(
      encodeExtensions(extension),
      texts.map((text) => text.replace('"type":"extend",', "")),
    );
    return texts;
  };
  assert.deepEqual(all([]), ['{"type":"extend","message_ids":[],"all":true}']);
  const [text = ""] = all(["a", "b"]);
  assert.deepEqual(decodeConnectorFrame(text, connectionId), { ...extend, isAll: true });
  const many = all(Array.from({ length: 10_001 }, (_, n) => `m${n}`));
  assert.deepEqual(many.map((text) => "all" in JSON.parse(text)), [false, false]);
});

test("the relay tells its ack timeout and what waits when a connection begins, in whole milliseconds", () => {
  const connected = {
    type: "connected",
    connectionId,
    channel: "dev",
    capabilities: ["extend"],
    ackTimeoutMs: 1_500,
    waiting: { messages: 3, oldestAgeMs: 4_049 },
  } as const;
  const text = encodeRelayFrame(connected, timestamp);
  assert.equal(JSON.parse(text).ack_timeout_seconds, 1.5);
  assert.deepEqual(decodeRelayFrame(new TextEncoder().encode(text)), connected);
  const without = decodeRelayFrame(
    new TextEncoder().encode('{"type":"connected","connection_id":"c1"}'),
  );
  assert.equal("ackTimeoutMs" in without, false);
});
