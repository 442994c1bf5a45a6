import assert from "node:assert/strict";
import { laneRule } from "../../src/relay/lane.ts";
import { test } from "../support/test.ts";

test("the lane of a key is short, however long the key is, and no other key's", () => {
  const { laneOf } = laneRule({ kind: "key", from: "header", name: "x-key" });
  const keys = ["a", "b", "x".repeat(256), "x".repeat(257), `${"x".repeat(60_000)}a`]
    .concat(`${"x".repeat(60_000)}b`);
  const lane = (key: string) =>
    laneOf({ id: "m", webhookId: "hook", headers: [["X-Key", key]], body: new Uint8Array() });
  const lanes = keys.map(lane);
  assert.equal(new Set(lanes).size, keys.length);
  assert.deepEqual(keys.map(lane), lanes);
  for (const name of lanes) assert.ok(name.length <= 300, name.slice(0, 80));
});
