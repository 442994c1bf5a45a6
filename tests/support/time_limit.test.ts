import assert from "node:assert/strict";
import { withCleanup } from "./cleanup.ts";
import { test } from "./test.ts";
import { withinLimit } from "./time_limit.ts";

test("a test that hangs fails and is cleaned up after", async () => {
  let cleaned = false;
  const hanging = withCleanup((t) => {
    t.defer(() => cleaned = true);
    return withinLimit(new Promise(() => {}), 1);
  });
  await assert.rejects(hanging, /the test still ran after 0.001 s/);
  assert.ok(cleaned);
});
