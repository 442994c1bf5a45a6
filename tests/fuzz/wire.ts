/** What the other side of a wire says: events, frames, batches, headers. */
import assert from "node:assert/strict";
import { createParser } from "eventsource-parser";
import fc from "fast-check";
import { parseCapabilities } from "../../src/protocol/capabilities.ts";
import {
  decodeAckBatch,
  decodeConnectorFrame,
  decodeExtension,
  encodeAckBatch,
  encodeConnectorFrame,
} from "../../src/protocol/connector_codec.ts";
import type { Envelope } from "../../src/protocol/envelope.ts";
import { allCapabilities, type RelayFrame, type Settlement } from "../../src/protocol/frames.ts";
import { asciiJson } from "../../src/protocol/ascii_json.ts";
import { elementsOf, splitObject } from "../../src/protocol/json_bytes.ts";
import { endPlainly } from "../../src/protocol/json_end.ts";
import { compactJson, compactPlainly } from "../../src/protocol/compact_json.ts";
import { stringBytes, unescapePlainly } from "../../src/protocol/json_escapes.ts";
import { endOfLarge, leastLarge, unescapeLarge } from "../../src/protocol/large_json.ts";
import { maxMessageIdLength, maxPollMessages, maxQuoteLength } from "../../src/protocol/limits.ts";
import {
  decodeBinaryFrame,
  decodePollResponse,
  decodeRelayFrame,
} from "../../src/protocol/relay_codec.ts";
import { parseRetryAfter } from "../../src/protocol/retry_after.ts";
import { SseDecoder, SseEventTooLargeError } from "../../src/protocol/sse.ts";
import { traceIdOf, withSpan } from "../../src/protocol/trace_context.ts";
import { encodeBinaryWebhook, encodeWebhook } from "../../src/protocol/webhook_codec.ts";
import { readText, type TextEvent } from "../support/sse_text.ts";
import { byteArray, deepJson, fuzzTarget, near, nearObject } from "./target.ts";

const encoder = new TextEncoder();
const fragments = [
  ..."data:|data: |data|event: |event:|id: |id:|retry: |retry:|: |:|unknown: |x".split("|"),
  ..."\n|\n\n|\r\n|\r".split("|"),
  ...'a|12|é|€|😀| |\ufeff|\0|{"n":1}|0|007'.split("|"),
];
const streamText = near(fragments);

function decodeIn(pieces: Iterable<Uint8Array<ArrayBuffer>>, maxEventBytes: number) {
  const decoder = new SseDecoder(maxEventBytes);
  const events: TextEvent[] = [];
  try {
    for (const piece of pieces) events.push(...readText(decoder, piece));
  } catch (error) {
    assert.ok(error instanceof SseEventTooLargeError);
    return { tooLargeAfter: events.length };
  }
  return { events, retryMs: decoder.retryMs };
}

function* cut(
  bytes: Uint8Array<ArrayBuffer>,
  sizes: readonly number[],
): Generator<Uint8Array<ArrayBuffer>> {
  for (let at = 0, i = 0; at < bytes.length; i++) {
    const size = Math.max(1, sizes[i % Math.max(1, sizes.length)] ?? 1);
    yield bytes.subarray(at, at + size);
    at += size;
  }
}

const sizes = fc.array(fc.integer({ min: 1, max: 9 }), { maxLength: 8 });

const sseBytes = fuzzTarget(
  "sse_bytes",
  fc.record({
    bytes: fc.oneof(
      byteArray(120),
      fc.array(
        fc.oneof(
          fc.constantFrom(0x0a, 0x0d, 0x3a, 0x20, 0xef, 0xbb, 0xbf, 0x64),
          fc.integer({ min: 0, max: 255 }),
        ),
        { maxLength: 60 },
      ),
      streamText.map((text) => [...encoder.encode(text)]),
    ),
    sizes,
    max: fc.constantFrom(8, 32, 1_000_000),
  }),
  ({ bytes, sizes, max }) => {
    const stream = Uint8Array.from(bytes);
    const whole = decodeIn([stream], 1_000_000);
    assert.deepEqual(decodeIn(cut(stream, sizes), 1_000_000), whole);
    decodeIn(cut(stream, sizes), max);
  },
);

type Bare = Pick<TextEvent, "event" | "data">;

const ssePeer = fuzzTarget(
  "sse_peer",
  fc.record({ text: streamText, sizes }),
  ({ text: given, sizes }) => {
    // Lone surrogates have no UTF-8; the two ends of the stream leave nothing to guess.
    const text = `${given.toWellFormed()}\n\n`;
    let retryMs: number | undefined;
    const theirs: Bare[] = [];
    const parser = createParser({
      onEvent: ({ event, data }) => theirs.push({ event: event || "message", data }),
      onRetry: (ms) => retryMs = ms,
    });
    parser.feed(text);
    const ours = decodeIn(cut(encoder.encode(text), sizes), 1_000_000);
    assert.ok("events" in ours);
    // That parser forgets an id that comes with an event that has no data; the standard keeps it.
    const bare = ours.events.map(({ event, data }): Bare => ({ event, data }));
    assert.deepEqual(bare, theirs);
    assert.equal(ours.retryMs, retryMs);
  },
);

const headerName = near([
  "content-type",
  "Host",
  "Connection",
  "traceparent",
  "__proto__",
  "a\r\nb",
  "",
]);
const headerValue = near([
  "application/json",
  "x",
  "a\r\nb: c",
  "\0",
  "é",
  "€",
  "***REDACTED***",
  "close, x",
]);
const id = near(["msg_1", "hook", "a\r\nb: c", "", "\0", "€", "x".repeat(600)]);

const webhookMembers = {
  type: fc.constant("webhook"),
  message_id: id,
  webhook_id: id,
  sequence: fc.oneof(fc.integer(), fc.double()),
  timestamp: near(["2026-01-01T00:00:00Z", "+275760-09-13T00:00:00Z"]),
  delivery_count: fc.integer(),
  headers: fc.dictionary(headerName, headerValue, { maxKeys: 5 }),
  method: near(["POST", "get", "CONNECT", "trace", "A B"]),
  path: near(["", "/a", "?x=1", "/../b", "/%2e%2e/", "//c", "#"]),
  raw_headers: fc.array(fc.tuple(headerName, headerValue), { maxLength: 5 }),
  body: fc.string({ unit: "binary" }),
  body_encoding: fc.constantFrom("utf8", "base64", "hex"),
  payload: fc.jsonValue(),
};
const otherFrame = nearObject({
  type: fc.constantFrom(
    "connected",
    "heartbeat",
    "settled",
    "error",
    "goodbye",
    "unknown",
    "__proto__",
  ),
  connection_id: id,
  channel: near(["dev"]),
  capabilities: fc.array(near([...allCapabilities])),
  max_message_bytes: fc.double(),
  ack_timeout_seconds: fc.double(),
  waiting_messages: fc.double(),
  oldest_age_seconds: fc.double(),
  message_ids: fc.array(id),
  error: near(["max_connections_reached"]),
});
export const frameText = fc.oneof(
  { weight: 6, arbitrary: nearObject(webhookMembers).map((value) => JSON.stringify(value)) },
  { weight: 3, arbitrary: otherFrame.map((value) => JSON.stringify(value)) },
  { weight: 1, arbitrary: fc.json() },
  { weight: 1, arbitrary: fc.string({ unit: "binary" }) },
  { weight: 1, arbitrary: deepJson.map((text) => `{"type":"webhook","payload":${text}}`) },
);

const relayFrame = fuzzTarget(
  "relay_frame",
  fc.record({
    text: frameText,
    name: fc.option(near(["webhook", "connected"]), { nil: undefined }),
  }, { requiredKeys: ["text"] }),
  ({ text, name }) => {
    assertTame(decodeRelayFrame(encoder.encode(text), name));
    assertTame(decodeBinaryFrame(encoder.encode(text.replace(" ", "\n"))));
  },
);

/** What a frame promises to whoever reads it. */
function assertTame(frame: RelayFrame): void {
  switch (frame.type) {
    case "webhook": {
      const { envelope } = frame;
      assert.match(envelope.id, /^[\x21-\x7e]{1,256}$/);
      assert.match(envelope.webhookId, /^[\x20-\x7e\xa0-\xff]{1,512}$/);
      assert.match(envelope.method, /^[A-Za-z]{1,32}$/);
      assert.doesNotMatch(envelope.method, /^(connect|trace)$/i);
      assert.ok(Number.isSafeInteger(envelope.sequence));
      assert.ok(envelope.body instanceof Uint8Array);
      traceIdOf(envelope.headers);
      return;
    }
    case "connected":
      assert.match(frame.connectionId, /^[\x21-\x7e]{1,512}$/);
      if (frame.ackTimeoutMs !== undefined) {
        assert.ok(frame.ackTimeoutMs >= 100 && frame.ackTimeoutMs <= 86_400_000);
      }
      return;
    case "malformed":
      assert.ok(frame.problem.length <= maxQuoteLength + 1);
      if (frame.messageId !== undefined) assert.match(frame.messageId, /^[\x21-\x7e]{1,256}$/);
      return;
    case "unknown":
      assert.ok(frame.name.length <= maxQuoteLength + 1);
      return;
    case "error":
      assert.ok(frame.error.length <= maxQuoteLength + 1);
      return;
    case "heartbeat":
    case "goodbye":
    case "settled":
  }
}

const pollResponse = fuzzTarget(
  "poll_response",
  fc.oneof(
    frameText,
    fc.array(frameText, { maxLength: 5 }).map((frames) =>
      `{"connection_id":"c","messages":[${frames.join(",")}]}`
    ),
  ),
  (text) => {
    const frames = decodePollResponse(encoder.encode(text));
    assert.ok(frames.length <= maxPollMessages + 2);
    frames.forEach(assertTame);
  },
);

const envelope = fc.record({
  id: fc.stringMatching(/^[\x21-\x7e]{1,30}$/),
  webhookId: fc.stringMatching(/^[\x20-\x7e]{1,30}$/),
  sequence: fc.maxSafeInteger(),
  receivedAt: fc.constant("2026-01-01T00:00:00.000Z"),
  method: fc.constantFrom("POST", "GET", "PUT"),
  path: near(["/a", "?x"]),
  headers: fc.array(fc.tuple(headerName, headerValue), { maxLength: 5 }),
  body: fc.oneof(
    byteArray(60),
    fc.string({ unit: "binary" }).map((text) => [...encoder.encode(text)]),
  ),
  deliveryCount: fc.integer({ min: 1, max: 99 }),
});

const webhookRound = fuzzTarget(
  "webhook_round",
  fc.record({ envelope, ascii: fc.boolean() }),
  ({ envelope: given, ascii }) => {
    const sent = { ...given, body: Uint8Array.from(given.body) } as Envelope;
    const text = encodeWebhook(sent, { exactBody: true, ascii });
    if (ascii) assert.match(text, /^[\0-\x7f]*$/);
    assert.deepEqual(decodeRelayFrame(encoder.encode(text)), { type: "webhook", envelope: sent });
    const message = encodeBinaryWebhook(sent);
    assert.deepEqual(decodeBinaryFrame(message), { type: "webhook", envelope: sent });
    // The old form loses the bytes, but is a frame in any case.
    assertTame(decodeRelayFrame(encoder.encode(encodeWebhook(sent, { exactBody: false, ascii }))));
  },
);

const jsonText = fuzzTarget(
  "json_text",
  fc.record({
    value: fc.jsonValue({ noUnicodeString: false }),
    space: fc.constantFrom("", " ", "\t", "\n  "),
  }),
  ({ value, space }) => {
    const whole = { first: 1, member: value, list: [value, value] };
    const text = JSON.stringify(whole, null, space);
    const bytes = encoder.encode(text);
    const meaning = (json: string) => JSON.stringify(JSON.parse(json));
    const meant = (json: Uint8Array = new Uint8Array()) => meaning(new TextDecoder().decode(json));
    assert.equal(new TextDecoder().decode(compactJson(bytes.slice()).bytes), meaning(text));
    assert.equal(meaning(asciiJson(text)), meaning(text));
    assert.match(asciiJson(text), /^[\0-\x7f]*$/);
    const { members, rest } = splitObject(bytes, ["member"]);
    assert.equal(meant(members["member"]?.bytes), JSON.stringify(value));
    assert.equal(meaning(rest), JSON.stringify({ ...whole, member: null }));
    const quick = splitObject(bytes.slice(), ["member"], { compact: true });
    const { bytes: given, isLoose } = quick.members["member"] ?? { bytes: new Uint8Array() };
    const wanted = meaning(meant(given));
    const shortest = isLoose ? compactJson(given).bytes : given;
    assert.deepEqual([new TextDecoder().decode(shortest), quick.rest], [wanted, rest]);
    const list = splitObject(bytes, ["list"]).members["list"]?.bytes ?? new Uint8Array();
    const elements = elementsOf(list, Infinity);
    assert.deepEqual(elements.map(meant), [JSON.stringify(value), JSON.stringify(value)]);
    assert.equal(elementsOf(list, 1).length, 1);
  },
);

/** Of what is no JSON only that it ends, within its bounds. */
const jsonBytes = fuzzTarget(
  "json_bytes",
  fc.oneof(
    byteArray(80),
    near([...'{}[]:,"\\ \n', '"payload":', "\\u00e9", "\\ud83d", "12"]).map((
      text,
    ) => [...encoder.encode(text)]),
  ),
  (given) => {
    const bytes = Uint8Array.from(given);
    assert.ok(compactJson(bytes.slice()).bytes.length <= bytes.length);
    const { members: { payload }, rest } = splitObject(bytes, ["payload"]);
    assert.equal(splitObject(bytes.slice(), ["payload"], { compact: true }).rest, rest);
    assert.ok((payload?.bytes.length ?? 0) <= bytes.length);
    if (payload) {
      const { bytes: literal, isLoose } = payload;
      assert.ok((stringBytes(literal.slice(), isLoose)?.length ?? 0) <= bytes.length);
    }
    const elements = elementsOf(bytes, 10);
    assert.ok(elements.reduce((sum, { length }) => sum + length, 0) <= bytes.length);
    // The same many times over is a large text, which is not looked at byte by byte.
    const large = new Uint8Array(given.length && Math.max(leastLarge, 40 * given.length));
    for (let i = 0; i < large.length; i++) large[i] = bytes[i % bytes.length] ?? 0;
    if (large.length > 0) {
      assert.deepEqual(unescapeLarge(large.slice()), unescapePlainly(large.slice()));
    }
    for (let start = 0; start < bytes.length; start++) {
      const plain = compactPlainly(large.slice(), start);
      assert.deepEqual(compactJson(large.slice(), start), plain);
      if (!'{["'.includes(String.fromCharCode(large[start] ?? 0))) continue;
      const end = endOfLarge(large, start);
      if (end) assert.deepEqual(end, endPlainly(large, start));
    }
  },
);

const connectorFrame = fuzzTarget(
  "connector_frame",
  fc.oneof(
    fc.json(),
    fc.string({ unit: "binary" }),
    nearObject({
      type: fc.constantFrom("ack", "nack", "extend", "drain", "heartbeat", "x"),
      message_id: id,
      message_ids: fc.array(id),
      all: fc.boolean(),
      retry: fc.boolean(),
      delay_seconds: fc.double(),
      reason: id,
      attempted: fc.boolean(),
      acks: fc.array(id),
      nacks: fc.array(
        nearObject({ message_id: id, retry: fc.boolean(), delay_seconds: fc.double() }),
      ),
    }).map((value) => JSON.stringify(value)),
  ),
  (text) => {
    const frame = decodeConnectorFrame(text, "c");
    if (frame.type === "unknown") assert.ok(frame.name.length <= maxQuoteLength + 1);
    if (frame.type === "malformed") assert.ok(frame.problem.length <= maxQuoteLength + 1);
    const settlements = frame.type === "settle" ? frame.settlements : decodeAckBatch(text, "c");
    if (typeof settlements !== "string") settlements.forEach(assertSettlement);
    decodeExtension(text, "c");
  },
);

function assertSettlement(settlement: Settlement): void {
  assert.equal(typeof settlement.messageId, "string");
  if (settlement.verdict === "nack" && settlement.delayMs !== undefined) {
    assert.ok(settlement.delayMs >= 0 && Number.isFinite(settlement.delayMs));
  }
}

/** What a message may have. */
const messageId = id.filter((text) => text.length <= maxMessageIdLength);

const settlementRound = fuzzTarget(
  "settlement_round",
  fc.array(
    fc.record({
      id: messageId,
      retry: fc.option(fc.boolean()),
      seconds: fc.integer({ min: 0, max: 9_999 }),
    }),
    { maxLength: 6 },
  ),
  (given) => {
    const settlements = given.map(({ id, retry, seconds }): Settlement =>
      retry === null
        ? { messageId: id, connectionId: "c", verdict: "ack" }
        : { messageId: id, connectionId: "c", verdict: "nack", retry, delayMs: seconds * 1000 }
    );
    const byId = (all: readonly Settlement[]) =>
      all.map((one) => JSON.stringify(one, Object.keys(one).sort())).sort();
    const batch = decodeAckBatch(encodeAckBatch(settlements), "c");
    assert.ok(typeof batch !== "string");
    assert.deepEqual(byId(batch), byId(settlements));
    const frames = encodeConnectorFrame({ type: "settle", settlements }, allCapabilities, "now")
      .map((text) => decodeConnectorFrame(text, "c"));
    const settled = frames.flatMap((frame) => frame.type === "settle" ? frame.settlements : []);
    assert.deepEqual(byId(settled), byId(settlements));
  },
);

const httpHeaders = fuzzTarget(
  "http_headers",
  fc.record({
    value: near([
      "1",
      "1.5",
      "Fri, 31 Dec 275759 23:59:59 GMT",
      "Mon",
      "-1",
      "9".repeat(400),
      "00-",
      "a, b",
      "exact-body",
    ]),
    trace: near(["00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "00-", "-", "f", "0"]),
  }),
  ({ value, trace }) => {
    const ms = parseRetryAfter(value, 0);
    assert.ok(ms === undefined || ms >= 0, String(ms));
    parseCapabilities(value);
    const headers = [["traceparent", trace], ["tracestate", value]] as const;
    const spanned = withSpan(headers, () => true);
    assert.match(traceIdOf(spanned.headers) ?? "", /^[0-9a-f]{32}$/);
  },
);

export const wireTargets = [
  ...[sseBytes, ssePeer, relayFrame, pollResponse, webhookRound, jsonText, jsonBytes],
  ...[connectorFrame, settlementRound, httpHeaders],
];
