import assert from "node:assert/strict";
import { GrowingBytes } from "../../src/protocol/growing_bytes.ts";
import { test } from "../support/test.ts";

for (const expected of [0, 1, 10, 1_000, 1_000_000]) {
  test(`chunks of any size come whole and hold at most twice their length; ${expected} are expected`, () => {
    const bytes = new GrowingBytes(expected);
    const all: number[] = [];
    let held = 0;
    for (const length of [1, 0, 1, 1, 7, 300, 2, 1_000, 1]) {
      const chunk = new Uint8Array(64 * 1024).fill(length % 251).subarray(0, length);
      held += bytes.add(chunk);
      all.push(...chunk);
      assert.equal(bytes.length, all.length);
      assert.equal(bytes.held, held);
      assert.ok(held <= 2 * all.length && held <= Math.max(all.length, expected), `${held}`);
    }
    assert.deepEqual(bytes.whole(), Uint8Array.from(all));
    assert.equal(bytes.whole().buffer.byteLength, all.length);
  });
}

test("nothing is nothing", () => {
  const bytes = new GrowingBytes(100);
  assert.deepEqual([bytes.whole().length, bytes.length, bytes.held], [0, 0, 0]);
});
