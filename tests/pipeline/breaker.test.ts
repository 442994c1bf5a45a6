import assert from "node:assert/strict";
import type { BreakerSettings } from "../../src/config/settings.ts";
import { Breaker, type BreakerState } from "../../src/pipeline/breaker.ts";
import { ManualClock } from "../support/manual_clock.ts";
import { test } from "../support/test.ts";

const signal = new AbortController().signal;

function breaker(given: Partial<BreakerSettings> = {}) {
  const clock = new ManualClock();
  const states: BreakerState[] = [];
  const made = new Breaker(
    {
      consecutiveFailures: 3,
      failureRate: 0.5,
      window: 10,
      openMs: 1_000,
      maxOpenMs: 3_000,
      maxHeld: 2,
      ...given,
    },
    clock,
    (state) => states.push(state),
  );
  const attempt = async (result: "succeeded" | "failed") => {
    assert.deepEqual(await made.enter(signal), { kind: "pass" });
    made.record(result);
  };
  return { clock, states, breaker: made, attempt };
}

/** A passage and whether it has come. */
function enter(made: Breaker, abort = signal) {
  const waiting = { came: "no" as string };
  made.enter(abort).then(({ kind }) => waiting.came = kind, () => waiting.came = "aborted");
  return waiting;
}

test("a breaker opens after so many failures in a row, and a success in between begins anew", async () => {
  const { breaker: made, attempt } = breaker({ failureRate: 1 });
  for (const result of ["failed", "failed", "succeeded", "failed", "failed"] as const) {
    await attempt(result);
    assert.equal(made.state, "closed");
  }
  await attempt("failed");
  assert.equal(made.state, "open");
  made.close();
});

test("a breaker opens at a share of failures over its window, and not before the window is full", async () => {
  const { breaker: made, attempt } = breaker({ consecutiveFailures: 100 });
  for (let i = 0; i < 4; i++) {
    await attempt("failed");
    await attempt("succeeded");
  }
  await attempt("succeeded");
  assert.equal(made.state, "closed");
  await attempt("failed");
  assert.equal(made.state, "open");
  made.close();
});

test("one per cent of failures does not open a breaker", async () => {
  const { breaker: made, attempt } = breaker();
  for (let i = 0; i < 1_000; i++) await attempt(i % 100 === 0 ? "failed" : "succeeded");
  assert.equal(made.state, "closed");
});

test("an open breaker holds what comes up to its bound, and sends the rest back with a delay", async () => {
  const { breaker: made, attempt, clock } = breaker();
  for (let i = 0; i < 3; i++) await attempt("failed");
  const held = [enter(made), enter(made)];
  assert.deepEqual(await made.enter(signal), { kind: "full", delayMs: 1_000 });
  assert.equal(made.held, 2);
  await clock.advance(999);
  assert.deepEqual(held.map(({ came }) => came), ["no", "no"]);
  made.close();
});

test("one whose target is gone keeps nobody waiting, and lets nobody probe", async () => {
  const { breaker: made, attempt, clock } = breaker();
  for (let i = 0; i < 3; i++) await attempt("failed");
  const held = [enter(made), enter(made)];
  made.retire();
  assert.deepEqual(await made.enter(signal), { kind: "retired" });
  assert.deepEqual(held.map(({ came }) => came), ["retired", "retired"]);
  await clock.advance(1_000);
  assert.deepEqual([made.state, made.tryEnter(), made.held], ["half_open", false, 0]);
  made.close();
});

test("half open, one probes at a time; a success lets all go on", async () => {
  const { breaker: made, attempt, clock, states } = breaker();
  for (let i = 0; i < 3; i++) await attempt("failed");
  const held = [enter(made), enter(made)];
  await clock.advance(1_000);
  assert.deepEqual(held.map(({ came }) => came), ["pass", "no"]);
  made.record("succeeded");
  await clock.advance(0);
  assert.deepEqual(held.map(({ came }) => came), ["pass", "pass"]);
  assert.deepEqual(states, ["open", "half_open", "closed"]);
});

test("each probe that fails doubles the wait up to its cap, and a success begins anew", async () => {
  const { breaker: made, attempt, clock } = breaker();
  for (let i = 0; i < 3; i++) await attempt("failed");
  for (const openMs of [1_000, 2_000, 3_000, 3_000]) {
    const probe = enter(made);
    await clock.advance(openMs - 1);
    assert.equal(probe.came, "no");
    await clock.advance(1);
    assert.equal(probe.came, "pass");
    made.record("failed");
  }
  const probe = enter(made);
  await clock.advance(3_000);
  assert.equal(probe.came, "pass");
  made.record("succeeded");
  for (let i = 0; i < 3; i++) await attempt("failed");
  const again = enter(made);
  await clock.advance(1_000);
  assert.equal(again.came, "pass");
  made.close();
});

test("half open with nobody waiting, the next that comes probes", async () => {
  const { breaker: made, attempt, clock } = breaker();
  for (let i = 0; i < 3; i++) await attempt("failed");
  await clock.advance(1_000);
  assert.equal(made.state, "half_open");
  const [first, second] = [enter(made), enter(made)];
  await clock.advance(0);
  assert.deepEqual([first.came, second.came], ["pass", "no"]);
  made.record("undecided");
  await clock.advance(0);
  assert.equal(second.came, "pass");
  made.record("succeeded");
});

test("what was under way when the breaker opened does not close it, and a wait can be aborted", async () => {
  const { breaker: made, attempt, clock } = breaker();
  const late = await made.enter(signal);
  assert.equal(late.kind, "pass");
  for (let i = 0; i < 3; i++) await attempt("failed");
  made.record("succeeded");
  assert.equal(made.state, "open");
  const abort = new AbortController();
  const waiting = enter(made, abort.signal);
  abort.abort();
  await clock.advance(0);
  assert.equal(waiting.came, "aborted");
  assert.equal(made.held, 0);
  made.close();
});

test("a threshold of zero keeps a breaker closed for ever", async () => {
  const { breaker: made, attempt } = breaker({ consecutiveFailures: 0 });
  for (let i = 0; i < 100; i++) await attempt("failed");
  assert.equal(made.state, "closed");
});

test("a clock set back makes nobody wait longer for an open breaker", async () => {
  const { clock, breaker: made, attempt } = breaker({ maxHeld: 0 });
  for (let i = 0; i < 3; i++) await attempt("failed");
  clock.jump(-7_200_000);
  assert.deepEqual(await made.enter(signal), { kind: "full", delayMs: 1_000 });
  made.close();
});

test("what failed of attempts from before it opened says nothing of the probe", async () => {
  const { clock, breaker: made, attempt } = breaker();
  await made.enter(signal);
  const before = made.turn;
  for (let i = 0; i < 3; i++) await attempt("failed");
  await clock.advance(1_000);
  assert.equal(made.state, "half_open");
  await made.enter(signal);
  const probe = made.turn;
  const next = enter(made);
  for (const late of ["failed", "undecided"] as const) {
    made.record(late, before);
    await clock.advance(0);
    assert.deepEqual([made.state, next.came], ["half_open", "no"]);
  }
  made.record("succeeded", probe);
  await clock.advance(0);
  assert.deepEqual([made.state, next.came], ["closed", "pass"]);
  made.close();
});

test("a request with several messages counts once, in each state", async () => {
  const { breaker: made, clock, states } = breaker();
  const failedFor = (messages: number) => {
    const request = { failed: true };
    const entered = made.turn;
    for (let i = 0; i < messages; i++) made.record("failed", entered, request);
  };
  failedFor(20);
  failedFor(20);
  assert.equal(made.state, "closed");
  // Its others come when it is open already.
  failedFor(20);
  assert.equal(made.state, "open");
  await clock.advance(1_000);
  const [probe, next] = [enter(made), enter(made)];
  await clock.advance(0);
  failedFor(20);
  assert.deepEqual([probe.came, next.came, made.state], ["pass", "no", "open"]);
  await clock.advance(2_000);
  assert.equal(next.came, "pass");
  made.record("succeeded", made.turn, { failed: false });
  assert.deepEqual(states, ["open", "half_open", "open", "half_open", "closed"]);
});
