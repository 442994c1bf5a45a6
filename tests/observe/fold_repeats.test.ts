import assert from "node:assert/strict";
import type { LogLevel } from "../../src/config/settings.ts";
import { foldRepeats } from "../../src/observe/fold_repeats.ts";
import { ManualClock } from "../support/manual_clock.ts";
import { test } from "../support/test.ts";

interface Fault {
  readonly type: string;
  readonly level: LogLevel;
  readonly n: number;
  readonly connection?: string;
  readonly target?: string | undefined;
  readonly transport?: string;
  readonly message?: string;
  readonly reason?: { readonly code: string; readonly message: string } | string | undefined;
}

function startFold() {
  const clock = new ManualClock(0);
  const lines: [n: number, repeated: number | undefined][] = [];
  const times: number[] = [];
  const { observe, close } = foldRepeats<Fault>(clock, ({ n }, _, at, repeated) => {
    lines.push([n, repeated]);
    times.push(at);
  });
  const fold = { observe: (fault: Fault) => observe(fault, fault.level), close };
  return { clock, lines, times, fold };
}

const fault = (n: number, more: Partial<Fault> = {}): Fault => ({
  type: "delivery.failed",
  level: "warning",
  n,
  target: "a",
  reason: { code: "timeout", message: `message ${n}` },
  ...more,
});

test("the first error of a kind is told at once, the others every ten seconds with their number", async () => {
  const { clock, lines, fold } = startFold();
  for (let n = 1; n <= 4; n++) fold.observe(fault(n));
  assert.deepEqual(lines, [[1, undefined]]);
  await clock.advance(10_000);
  assert.deepEqual(lines, [[1, undefined], [4, 3]]);
  fold.observe(fault(5));
  await clock.advance(10_000);
  assert.deepEqual(lines.slice(2), [[5, 1]]);
  await clock.advance(10_000);
  assert.equal(clock.pending, 0, "after a quiet window nothing is remembered");
  fold.observe(fault(6));
  assert.deepEqual(lines.slice(3), [[6, undefined]]);
  fold.close();
});

test("another connection, target, transport, code or text is another kind", () => {
  const { lines, fold } = startFold();
  fold.observe(fault(1));
  fold.observe(fault(2, { target: "b" }));
  fold.observe(fault(3, { transport: "sse" }));
  fold.observe(fault(4, { reason: { code: "network", message: "" } }));
  fold.observe(fault(5, { type: "delivery.retrying" }));
  fold.observe(fault(6, { type: "config.warning", message: "one", reason: undefined }));
  fold.observe(fault(7, { type: "config.warning", message: "two", reason: undefined }));
  fold.observe(fault(8, { type: "relay.refused", reason: "rate_limit" }));
  fold.observe(fault(9, { type: "relay.refused", reason: "too_large" }));
  fold.observe(fault(10, { connection: "east" }));
  fold.observe(fault(11, { connection: "west" }));
  assert.deepEqual(lines.map(([n]) => n), [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
  fold.close();
});

test("info and debug are never folded, and what was counted is told at the end", () => {
  const { clock, lines, fold } = startFold();
  for (const level of ["info", "info", "debug", "debug"] as const) {
    fold.observe(fault(0, { level }));
  }
  assert.equal(lines.length, 4);
  for (let n = 1; n <= 3; n++) fold.observe(fault(n, { level: "error" }));
  fold.close();
  assert.deepEqual(lines.slice(4), [[1, undefined], [3, 2]]);
  assert.equal(clock.pending, 0);
  fold.observe(fault(4));
  assert.deepEqual(lines.slice(6), [[4, undefined]]);
});

test("what was counted is told before it is over, with the time it happened, and what comes then is told at once", async () => {
  const { clock, lines, times, fold } = startFold();
  const down = (n: number, connection: string) =>
    fold.observe(fault(n, { type: "stream.failed", connection, target: undefined }));
  const connected = (n: number, connection: string) =>
    fold.observe({ type: "stream.connected", level: "info", n, connection });
  down(1, "east");
  down(2, "west");
  for (const n of [3, 4]) {
    await clock.advance(1_000);
    down(n, "east");
    down(n + 10, "west");
  }
  await clock.advance(1_000);
  connected(5, "east");
  assert.deepEqual(lines, [[1, undefined], [2, undefined], [4, 2], [5, undefined]]);
  assert.deepEqual(times, [0, 0, 2_000, 3_000]);
  down(6, "east");
  assert.deepEqual(lines.slice(4), [[6, undefined]]);
  await clock.advance(7_000);
  assert.deepEqual(
    [lines[5], times[5]],
    [[14, 2], 2_000],
    "the other connection's are still counted",
  );
  fold.close();
});

test("that a connector has stopped comes after all that was counted of its connection", () => {
  const { lines, fold } = startFold();
  for (const connection of ["east", "west"]) {
    for (let n = 1; n <= 2; n++) fold.observe(fault(n, { connection }));
    for (let n = 3; n <= 4; n++) fold.observe(fault(n, { type: "stream.failed", connection }));
  }
  lines.length = 0;
  fold.observe({ type: "connector.stopped", level: "info", n: 5, connection: "east" });
  assert.deepEqual(lines, [[2, 1], [4, 1], [5, undefined]]);
  fold.close();
});

test("a breaker that closes ends what was counted of its target alone; a webhook delivered ends nothing", () => {
  const { lines, fold } = startFold();
  const breaker = (n: number, level: LogLevel, target = "a") =>
    fold.observe({ type: "breaker.changed", level, n, target });
  breaker(1, "warning");
  breaker(2, "warning");
  breaker(3, "warning", "b");
  breaker(4, "warning", "b");
  fold.observe(fault(5));
  fold.observe(fault(6));
  fold.observe(fault(7, { type: "delivery.succeeded", level: "info" }));
  breaker(8, "info");
  assert.deepEqual(lines.map(([n]) => n), [1, 3, 5, 7, 2, 8]);
  fold.close();
});
