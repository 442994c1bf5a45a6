import assert from "node:assert/strict";
import type { LogLevel } from "../../src/config/settings.ts";
import { foldRepeats } from "../../src/observe/fold_repeats.ts";
import { ManualClock } from "../support/manual_clock.ts";
import { test } from "../support/test.ts";

interface Fault {
  readonly type: string;
  readonly level: LogLevel;
  readonly n: number;
  readonly target?: string;
  readonly transport?: string;
  readonly message?: string;
  readonly reason?: { readonly code: string; readonly message: string } | string | undefined;
}

function startFold() {
  const clock = new ManualClock();
  const lines: [n: number, repeated: number | undefined][] = [];
  const fold = foldRepeats<Fault>(
    ({ level }) => level,
    clock,
    ({ n }, _, repeated) => lines.push([n, repeated]),
  );
  return { clock, lines, fold };
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

test("another target, transport, code or text is another kind", () => {
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
  assert.deepEqual(lines.map(([n]) => n), [1, 2, 3, 4, 5, 6, 7, 8, 9]);
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
