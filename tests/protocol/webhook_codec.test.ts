import assert from "node:assert/strict";
import { maxHeaderChars, maxHeaders } from "../../src/protocol/limits.ts";
import { decodeBinaryFrame, decodeRelayFrame } from "../../src/protocol/relay_codec.ts";
import { test } from "../support/test.ts";

const common = { type: "webhook", message_id: "m", webhook_id: "hook" };
const decoded = (frame: Record<string, unknown>) =>
  decodeRelayFrame(new TextEncoder().encode(JSON.stringify({ ...common, ...frame })));
const old = (headers: unknown) => decoded({ headers, payload: 1 });
const exact = (raw_headers: unknown) => decoded({ raw_headers, body: "x" });
const many = Array.from({ length: maxHeaders + 1 }, (_, n) => [`x-${n}`, ""]);
const long = [["x-long", "x".repeat(maxHeaderChars)]];

test("both forms have their headers in order; what is not there is none", () => {
  const pairs = [["b", "1"], ["a", "2"]];
  const own = [["content-type", "application/json"]];
  for (
    const [frame, headers] of [
      [old({ b: "1", a: "2" }), [...pairs, ...own]],
      [old(undefined), own],
      [exact(pairs), pairs],
      [exact([["a", "1"], ["a", "2"]]), [["a", "1"], ["a", "2"]]],
      [exact(undefined), []],
      [decoded({ headers: { a: "1" }, body: "x" }), [["a", "1"]]],
    ] as const
  ) {
    assert.ok(frame.type === "webhook", JSON.stringify(frame));
    assert.deepEqual(frame.envelope.headers, headers);
  }
});

for (
  const [what, frame] of [
    ["no object", old("a: 1")],
    ["null", old(null)],
    ["a list where names are expected", old([["a", "1"]])],
    ["a number by a name", old({ a: 1 })],
    ["null by a name", old({ a: null })],
    ["too many", old(Object.fromEntries(many))],
    ["too long", old(Object.fromEntries(long))],
    ["an object where pairs are expected", exact({ a: "1" })],
    ["null where pairs are expected", exact(null)],
    ["three in a pair", exact([["a", "1", "2"]])],
    ["one in a pair", exact([["a"]])],
    ["no text in a pair", exact([["a", 1]])],
    ["too many pairs", exact(many)],
    ["pairs that are too long", exact(long)],
    ["names that are none beside pairs", decoded({ headers: 1, raw_headers: [], body: "x" })],
    ["pairs that are none in the old form", decoded({ raw_headers: 1, headers: {}, payload: 1 })],
  ] as const
) {
  test(`headers that are none make a frame malformed, and its message is known: ${what}`, () => {
    assert.ok(frame.type === "malformed", JSON.stringify(frame));
    assert.equal(frame.messageId, "m");
    assert.match(frame.problem, /^(raw_)?headers: /);
  });
}

for (
  const [what, text, problem, messageId] of [
    ["nothing", "", "a binary message: not JSON"],
    ["no line", JSON.stringify(common), "a binary message: not JSON"],
    ["a line that is no object", "[]\n", "a binary message: not a JSON object"],
    ["no webhook", '{"type":"heartbeat"}\n', "a binary message: no webhook"],
    ["an id that is none", '{"type":"webhook","message_id":"a b"}\n', /^message_id: /],
    ["headers that are none", `${JSON.stringify({ ...common, raw_headers: 1 })}\n`, /^raw_h/, "m"],
  ] as const
) {
  test(`a binary message that is malformed says why: ${what}`, () => {
    const frame = decodeBinaryFrame(new TextEncoder().encode(text));
    assert.ok(frame.type === "malformed", JSON.stringify(frame));
    if (typeof problem === "string") assert.equal(frame.problem, problem);
    else assert.match(frame.problem, problem);
    assert.equal(frame.messageId, messageId);
  });
}

test("of a binary message the bytes behind the line are the body, whatever its members say", () => {
  const line = JSON.stringify({ ...common, body: "no", body_encoding: "base64", payload: 1 });
  const frame = decodeBinaryFrame(new TextEncoder().encode(`${line}\n\nyes`));
  assert.ok(frame.type === "webhook");
  assert.equal(new TextDecoder().decode(frame.envelope.body), "\nyes");
});
