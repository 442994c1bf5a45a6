import assert from "node:assert/strict";
import { Semaphore } from "../../src/async/semaphore.ts";
import { type Admitted, Line } from "../../src/pipeline/line.ts";
import { ManualClock } from "../support/manual_clock.ts";
import { test } from "../support/test.ts";

/** A line of at most two before one place, and what came of those that joined it. */
function lineBeforeOnePlace() {
  const clock = new ManualClock();
  const line = new Line(2, clock);
  const places = new Semaphore(1);
  const abort = new AbortController();
  const came: (Admitted | "aborted" | undefined)[] = [];
  return {
    clock,
    abort,
    came,
    join() {
      const at = came.push(undefined) - 1;
      line.wait((signal) => places.acquire(signal), abort.signal)
        .then((admitted) => came[at] = admitted, () => came[at] = "aborted");
    },
    kinds: () => came.map((one) => typeof one === "object" ? one.kind : one ?? "waits"),
    async leave(at: number) {
      const one = came[at];
      if (typeof one === "object" && one.kind === "in") one.leave();
      await clock.advance(0);
    },
  };
}

test("a line that goes quickly takes everybody", async () => {
  const { clock, join, kinds, leave } = lineBeforeOnePlace();
  for (let i = 0; i < 5; i++) join();
  await clock.advance(100);
  assert.deepEqual(kinds(), ["in", "waits", "waits", "waits", "waits"]);
  for (let i = 0; i < 5; i++) await leave(i);
  assert.deepEqual(kinds(), ["in", "in", "in", "in", "in"]);
  assert.equal(clock.pending, 0);
});

test("a line that stands keeps the first, turns the others away with a delay, and takes no more", async () => {
  const { clock, join, kinds, came, leave } = lineBeforeOnePlace();
  for (let i = 0; i < 5; i++) join();
  await clock.advance(300);
  assert.deepEqual(kinds(), ["in", "waits", "waits", "full", "full"]);
  join();
  await clock.advance(0);
  assert.equal(kinds()[5], "full");
  assert.deepEqual(came[5], { kind: "full", delayMs: 2_000 });
  // The longer it stands, the longer it is not worth coming back.
  await clock.advance(10_000);
  join();
  await clock.advance(0);
  assert.deepEqual(came[6], { kind: "full", delayMs: 20_600 });
  // When it has emptied, everybody may again.
  for (let i = 0; i < 3; i++) await leave(i);
  assert.equal(clock.pending, 0);
  for (let i = 0; i < 5; i++) join();
  await clock.advance(0);
  assert.deepEqual(kinds().slice(7), ["in", "waits", "waits", "waits", "waits"]);
});

test("those that wait in a line end with the signal, and leave no timer", async () => {
  const { clock, join, kinds, abort } = lineBeforeOnePlace();
  for (let i = 0; i < 3; i++) join();
  await clock.advance(0);
  abort.abort();
  await clock.advance(0);
  assert.deepEqual(kinds(), ["in", "aborted", "aborted"]);
  assert.equal(clock.pending, 0);
});
