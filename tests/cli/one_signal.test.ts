import assert from "node:assert/strict";
import { withoutEchoes } from "../../src/cli/one_signal.ts";
import { ManualClock } from "../support/manual_clock.ts";
import { test } from "../support/test.ts";

test("what comes within half a second of a signal is the same one, what comes later is the next", async () => {
  const clock = new ManualClock();
  let heard = 0;
  const signal = withoutEchoes(() => heard += 1, clock);
  signal();
  signal();
  await clock.advance(499);
  signal();
  assert.equal(heard, 1);
  await clock.advance(1);
  signal();
  assert.equal(heard, 2);
});
