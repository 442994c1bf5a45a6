import assert from "node:assert/strict";
import { payloadOf } from "../../src/pipeline/payload.ts";
import { options } from "../../src/config/options.ts";
import { redactBy } from "../../src/protocol/redact.ts";
import { envelopeWith } from "../support/message.ts";
import { test } from "../support/test.ts";

const patterns = String(options.find(({ key }) => key === "inspect_redact")?.default);
const encoder = new TextEncoder();

function shown(body: string | Uint8Array<ArrayBuffer>, path = "") {
  const envelope = envelopeWith({
    path,
    headers: [
      ["Authorization", "Bearer abc"],
      ["Cookie", "a=abc"],
      ["X-Gitlab-Token", "abc"],
      ["X-Hub-Signature-256", "abc"],
      ["X-Api-Key", "abc"],
      ["Client-Secret", "abc"],
      ["Content-Type", "application/json"],
    ],
    body: typeof body === "string" ? encoder.encode(body) : body,
  });
  return payloadOf(envelope, redactBy(patterns));
}

test("what names a secret is masked, in headers, in the query and in the body", () => {
  const { method, path, headers } = shown("", "/a?token=abc&x=1&api_key=abc");
  assert.equal(method, "POST");
  assert.equal(path, "/a?token=[redacted]&x=1&api_key=[redacted]");
  assert.deepEqual(headers.at(-1), ["Content-Type", "application/json"]);
  assert.equal(shown('{"a":{"token":"abc"}}').body, '{"a":{"token":"[redacted]"}}');
  const cut = shown(`{"a":"${"x".repeat(2_030)}","token":"abc"}`).body ?? "";
  assert.ok(cut.endsWith('"token":"[redacted]"') || !cut.includes("token"), cut);
  assert.ok(headers.slice(0, -1).every(([, value]) => value === "[redacted]"));
});

test("at most 2 KiB of a body are shown, whole characters, and nothing of what is no text", () => {
  assert.equal(shown('{"a":1}').body, '{"a":1}');
  assert.equal(shown("x".repeat(3_000)).body, "x".repeat(2_048));
  assert.equal(shown(`${"x".repeat(2_047)}é`).body, "x".repeat(2_047));
  assert.equal(shown(new Uint8Array([0xff, 0xfe, 0x00])).body, undefined);
  assert.equal(shown(new Uint8Array([0, 1, 2])).body, undefined);
});
