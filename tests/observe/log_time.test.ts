import assert from "node:assert/strict";
import { createLog } from "../../src/observe/log.ts";
import { ManualClock } from "../support/manual_clock.ts";
import { test } from "../support/test.ts";

test("every line has the time of its event to the millisecond, also where a second or a day begins", async () => {
  const at = Date.UTC(2026, 11, 31, 23, 59, 59, 7);
  const clock = new ManualClock(at);
  const times: string[] = [];
  const log = createLog<{ readonly type: string }>({
    levelOf: () => "info",
    level: "info",
    format: "json",
    write: (line) => times.push((JSON.parse(line) as { time: string }).time),
    clock,
  });
  const steps = [0, 80, 912, 1, 0, 1_000, 59_000];
  for (const step of steps) {
    await clock.advance(step);
    log.observe({ type: "tick" });
  }
  log.close();
  let now = at;
  assert.deepEqual(times, steps.map((step) => new Date(now += step).toISOString()));
  assert.ok(times.includes("2027-01-01T00:00:00.000Z"));
});
