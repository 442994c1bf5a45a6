/** How a batch is written: nothing of a body may be lost or respelt. */
import assert from "node:assert/strict";
import type { Envelope } from "../../src/flow.ts";
import { batchFormats } from "../../src/sink/batch_format.ts";
import { bytesOf, envelope, type Written } from "../support/batches.ts";
import { test } from "../support/test.ts";

const binary = Uint8Array.from({ length: 256 }, (_, i) => i);
const bodies: [what: string, body: string | Uint8Array][] = [
  ["JSON with spelling of its own", '{ "a": 1.10, "n": 12345678901234567890, "e": "\\u00e9" }\n'],
  ["text beyond ASCII", "é\u2028\u0000 \ud83d\ude00"],
  ["text with a byte order mark", "\ufeff{}"],
  ["nothing", ""],
  ["bytes that are no text", binary],
];

const decoder = new TextDecoder();

for (const [what, body] of bodies) {
  test(`json and ndjson give the exact bytes of ${what} back`, () => {
    const sent = envelope(body, {
      method: "PUT",
      path: "/a?b=c",
      headers: [["X-A", "1"], ["x-a", "2"]],
    });
    const messages = [{ envelope: sent, attempt: 2 }, { envelope: envelope("{}"), attempt: 1 }];
    const array: Written[] = JSON.parse(batchFormats.json.encode(messages));
    const lines = batchFormats.ndjson.encode(messages).split("\n");
    assert.equal(lines.pop(), "");
    assert.deepEqual(lines.map((line) => JSON.parse(line)), array);
    const [first] = array;
    assert.ok(first);
    assert.deepEqual(bytesOf(first), new Uint8Array(sent.body));
    const { body: _, body_encoding: __, ...others } = first;
    assert.deepEqual(others, {
      message_id: sent.id,
      webhook_id: "hook",
      sequence: sent.sequence,
      received_at: "2026-03-01T12:00:00.000Z",
      attempt: 2,
      method: "PUT",
      path: "/a?b=c",
      headers: [["X-A", "1"], ["x-a", "2"]],
    });
  });
}

function eventOf(sent: Envelope) {
  const text = batchFormats.cloudevents.encode([{ envelope: sent, attempt: 3 }]);
  const events: Record<string, unknown>[] = JSON.parse(text);
  assert.equal(events.length, 1);
  return { text, event: events[0] ?? {} };
}

test("a CloudEvent has the attributes of its message", () => {
  const sent = envelope("{}", { id: "msg_x", webhookId: "a b/ü", sequence: 42 });
  assert.deepEqual(eventOf(sent).event, {
    specversion: "1.0",
    id: "msg_x",
    source: "/webhook/a%20b%2F%C3%BC",
    type: "hookferry.webhook",
    time: "2026-03-01T12:00:00.000Z",
    datacontenttype: "application/json",
    webhookid: "a b/ü",
    sequence: "0000000000000042",
    attempt: 3,
    data: {},
  });
});

test("a CloudEvent has no time where the relay told none that RFC 3339 knows", () => {
  assert.equal(eventOf(envelope("{}", { receivedAt: "" })).event["time"], undefined);
  assert.equal(
    eventOf(envelope("{}", { receivedAt: "2026-03-01T12:00:00" })).event["time"],
    undefined,
  );
});

const types: [contentType: string | undefined, body: string | Uint8Array, member: string][] = [
  ["application/json", '{"a": 1.10,\n "n":12345678901234567890}', "data"],
  ["Application/Vnd.X+JSON; charset=utf-8", "[1e400]", "data"],
  ["application/json", "null", "data"],
  ["application/json", "{not json", "data_base64"],
  ["application/json", "\ufeff{}", "data_base64"],
  ["application/json", binary, "data_base64"],
  ["text/plain", '{"a":1}', "data"],
  ["text/plain; charset=UTF-8", "é\n", "data"],
  ["text/plain; charset=iso-8859-1", "é", "data_base64"],
  ["application/x-www-form-urlencoded", "a=1&b=2", "data"],
  ["application/jsonp", "x()", "data"],
  ["image/png", binary, "data_base64"],
  [undefined, "{}", "data_base64"],
];
for (const [contentType, body, member] of types) {
  test(`the bytes of ${JSON.stringify(body).slice(0, 40)} as ${contentType} come out of ${member}`, () => {
    const sent = envelope(body, {
      headers: contentType === undefined ? [] : [["Content-Type", contentType]],
    });
    const { text, event } = eventOf(sent);
    assert.equal("data" in event, member === "data");
    assert.equal("data_base64" in event, member === "data_base64");
    assert.equal(event["datacontenttype"], contentType);
    if (member === "data_base64") {
      assert.deepEqual(
        new Uint8Array(Buffer.from(String(event["data_base64"]), "base64")),
        new Uint8Array(sent.body),
      );
    } else if (typeof event["data"] === "string" && !/json(;|$)/i.test(contentType ?? "")) {
      assert.equal(event["data"], body);
    } else {
      assert.ok(text.includes(`"data":${decoder.decode(sent.body)}}`), text);
    }
  });
}

test("a CloudEvent of an empty body has no data; one that is compressed says so", () => {
  const { event } = eventOf(envelope("", { headers: [["content-type", "application/json"]] }));
  assert.ok(!("data" in event) && !("data_base64" in event));
  const packed = eventOf(envelope(binary, { headers: [["Content-Encoding", "gzip"]] }));
  assert.equal(packed.event["contentencoding"], "gzip");
});
