import assert from "node:assert/strict";
import { keyOf, parseOrdering } from "../../src/protocol/ordering.ts";
import { test } from "../support/test.ts";

const message = (body: string) => ({
  webhookId: "hook",
  headers: [["X-Order", "7"]] as const,
  body: new TextEncoder().encode(body),
});

test("an ordering names a webhook id, a header, or a place in the body by RFC 6901", () => {
  const key = (text: string, body = "") => {
    const ordering = parseOrdering(text);
    assert.equal(ordering?.kind, "key", text);
    return keyOf(ordering as never, message(body));
  };
  assert.equal(key("key:webhook_id"), "hook");
  assert.equal(key("key:header:x-order"), "7");
  assert.equal(key("key:header:X-Other"), undefined);
  const body = '{"a/b":{"m~n":["x",{"id":12}]},"":0,"s":"t","proto":{}}';
  assert.equal(key("key:/a~1b/m~0n/0", body), "x");
  assert.equal(key("key:/a~1b/m~0n/1/id", body), "12");
  assert.equal(key("key:/a~1b/m~0n/1", body), '{"id":12}');
  assert.equal(key("key:/", body), "0");
  assert.equal(key("key:/s", body), "t");
  assert.equal(key("key:/nope", body), undefined);
  assert.equal(key("key:/proto/constructor", body), undefined);
  assert.equal(key("key:/s", "not json"), undefined);
});

test("what is no ordering is not taken for one", () => {
  for (const text of ["", "key", "key:", "key:body", "key:header:", "key:a/b", "key:/~2", "fair"]) {
    assert.equal(parseOrdering(text), undefined, text);
  }
});

test("a key of ten thousands of brackets is a key or none, and never an end of us", () => {
  const ordering = parseOrdering("key:/a");
  assert.ok(ordering?.kind === "key");
  const body = new TextEncoder().encode(`{"a":${"[".repeat(200_000)}${"]".repeat(200_000)}}`);
  const key = keyOf(ordering, { webhookId: "w", headers: [], body });
  assert.ok(key === undefined || key.length === 400_000);
});
