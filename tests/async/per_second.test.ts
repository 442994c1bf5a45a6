import assert from "node:assert/strict";
import { PerSecond } from "../../src/async/per_second.ts";
import { ManualClock } from "../support/manual_clock.ts";
import { test } from "../support/test.ts";

const first = (counts: PerSecond, step = 1) => counts.steps(step).map(([count]) => count);

test("counts by second: the last is the one under way, what is older than the window is gone", async () => {
  const clock = new ManualClock();
  const counts = new PerSecond(4, 1, clock);
  counts.add(0);
  counts.add(0);
  await clock.advance(1_000);
  counts.add(0);
  assert.deepEqual(first(counts), [0, 0, 2, 1]);
  await clock.advance(2_000);
  assert.deepEqual(first(counts), [2, 1, 0, 0]);
  await clock.advance(1_000);
  assert.deepEqual(first(counts), [1, 0, 0, 0]);
  await clock.advance(60_000);
  assert.deepEqual(first(counts), [0, 0, 0, 0]);
});

test("kinds are counted apart, and steps add seconds up where the time divides by them", async () => {
  const clock = new ManualClock();
  const counts = new PerSecond(6, 2, clock);
  for (const kind of [0, 1, 1, 0]) {
    counts.add(kind);
    await clock.advance(1_000);
  }
  counts.add(1);
  assert.deepEqual(counts.steps(2).map((row) => [...row]), [[1, 1], [1, 1], [0, 1]]);
});

test("a clock that is set back a little goes on in the same second; set back far, all begins anew", async () => {
  const clock = new ManualClock();
  const counts = new PerSecond(4, 1, clock);
  await clock.advance(10_000);
  counts.add(0);
  clock.jump(-2_000);
  counts.add(0);
  assert.deepEqual(first(counts), [0, 0, 0, 2]);
  clock.jump(-60_000);
  counts.add(0);
  assert.deepEqual(first(counts), [0, 0, 0, 1]);
});
