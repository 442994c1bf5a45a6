import assert from "node:assert/strict";
import { Deadlines, type Due } from "../../src/async/deadlines.ts";
import { ManualClock } from "../support/manual_clock.ts";
import { test } from "../support/test.ts";

interface Named extends Due {
  readonly name: string;
}

const named = (name: string): Named => ({
  ...{ name, endsAt: 0 },
  older: undefined,
  newer: undefined,
});

test("each has its time from when it began, and one timer serves all", async () => {
  const clock = new ManualClock();
  const over: string[] = [];
  const deadlines = new Deadlines<Named>(100, clock, ({ name }) => over.push(name));
  const [a, b, c, d] = [named("a"), named("b"), named("c"), named("d")];
  deadlines.begin(a);
  await clock.advance(50);
  for (const one of [b, c, d]) deadlines.begin(one);
  assert.equal(clock.pending, 1);
  deadlines.end(c);
  await clock.advance(25);
  deadlines.end(d);
  deadlines.begin(d); // anew
  await clock.advance(25);
  assert.deepEqual(over, ["a"]);
  await clock.advance(50);
  assert.deepEqual(over, ["a", "b"]);
  await clock.advance(25);
  assert.deepEqual(over, ["a", "b", "d"]);
  assert.equal(clock.pending, 0);
});

test("when none is left there is no timer", () => {
  const clock = new ManualClock();
  const deadlines = new Deadlines<Named>(100, clock, () => assert.fail());
  const [a, b] = [named("a"), named("b")];
  for (const one of [a, b]) deadlines.begin(one);
  for (const one of [b, a]) deadlines.end(one);
  assert.equal(clock.pending, 0);
});

test("one that begins when another is over has all its time, and holds up none", async () => {
  const clock = new ManualClock();
  const over: string[] = [];
  const [a, b, next] = [named("a"), named("b"), named("next")];
  const deadlines: Deadlines<Named> = new Deadlines<Named>(100, clock, ({ name }) => {
    over.push(name);
    if (name === "a") deadlines.begin(next);
  });
  deadlines.begin(a);
  await clock.advance(1);
  deadlines.begin(b);
  await clock.advance(100);
  assert.deepEqual(over, ["a", "b"]);
  await clock.advance(99);
  assert.deepEqual(over, ["a", "b", "next"]);
});

test("once it is stopped nothing is over any more, also not what begins later", async () => {
  const clock = new ManualClock();
  const deadlines = new Deadlines<Named>(100, clock, () => assert.fail());
  deadlines.begin(named("a"));
  deadlines.stop();
  deadlines.begin(named("b"));
  await clock.advance(1_000);
  assert.equal(clock.pending, 0);
});
