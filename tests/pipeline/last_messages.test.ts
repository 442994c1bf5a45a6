import assert from "node:assert/strict";
import { LastMessages } from "../../src/pipeline/last_messages.ts";
import { envelopeWith } from "../support/message.ts";
import { test } from "../support/test.ts";

const long = "x".repeat(1024 * 1024);

for (
  const [what, part] of [
    ["body", { body: new TextEncoder().encode(long) }],
    ["header", { headers: [["x", long]] }],
    ["path", { path: `/${long}` }],
  ] as const
) {
  test(`of messages with a long ${what} no more than 16 MiB are kept, the newest`, () => {
    const last = new LastMessages(100);
    for (let n = 0; n < 20; n++) last.keep(envelopeWith({ id: String(n), ...part }));
    const kept = [...Array(20).keys()].filter((n) => last.of(String(n)));
    assert.deepEqual(kept, [...Array(15).keys()].map((n) => n + 5));
  });
}

test("no more messages are kept than asked for", () => {
  const last = new LastMessages(2);
  for (const id of ["a", "b", "a", "c"]) last.keep(envelopeWith({ id }));
  assert.deepEqual(["a", "b", "c"].filter((id) => last.of(id)), ["a", "c"]);
});
