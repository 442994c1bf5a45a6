import assert from "node:assert/strict";
import { systemClock } from "../../src/async/clock.ts";
import { ManualClock } from "../support/manual_clock.ts";
import { Watchdog } from "../../src/async/watchdog.ts";
import { test } from "../support/test.ts";

test("a wait longer than the runtimes' timers take does not end at once", async () => {
  for (const ms of [2 ** 31, 30 * 86_400_000, Infinity]) {
    let isOver = false;
    const cancel = systemClock.after(ms, () => isOver = true);
    await new Promise<void>((resolve) => systemClock.after(20, resolve));
    assert.equal(isOver, false, `${ms} ms`);
    cancel();
  }
});

test("a wall clock set back keeps no silence from being found", async () => {
  const clock = new ManualClock();
  const reasons: string[] = [];
  const watchdog = new Watchdog(60_000, (reason) => reasons.push(reason), clock);
  clock.jump(-7_200_000);
  await clock.advance(60_000);
  assert.deepEqual(reasons, ["silent"]);
  watchdog.stop();
});
