/** Budget, semaphore, task group, watchdog, delay: the small tools that hold the rest in bounds. */
import assert from "node:assert/strict";
import { Budget } from "../../src/async/budget.ts";
import { delay } from "../../src/async/delay.ts";
import { Semaphore } from "../../src/async/semaphore.ts";
import { TaskGroup } from "../../src/async/task_group.ts";
import { Watchdog } from "../../src/async/watchdog.ts";
import { ManualClock, settle } from "../support/manual_clock.ts";
import { test } from "../support/test.ts";

const never = new AbortController().signal;

const clock = new ManualClock(1_000);

test("a budget admits in order of arrival, by items and by bytes, and gives room back once", async () => {
  const budget = new Budget(3, 100, clock);
  const first = await budget.acquire(60, never);
  const order: string[] = [];
  const large = budget.acquire(50, never).then((release) => (order.push("large"), release));
  const small = budget.acquire(10, never).then((release) => (order.push("small"), release));
  await settle();
  assert.deepEqual(order, [], "a small one does not overtake");
  first();
  first();
  await Promise.all([large, small]);
  assert.deepEqual(order, ["large", "small"]);
  assert.deepEqual([budget.items, budget.bytes], [2, 60]);
  (await large)();
  (await small)();
  assert.deepEqual([budget.items, budget.bytes], [0, 0]);
});

test("a budget lets one item through that is larger than all of it, when nothing else is held", async () => {
  const budget = new Budget(10, 100, clock);
  const release = await budget.acquire(1_000, never);
  assert.equal(budget.tryAcquire(1), undefined);
  release();
  assert.notEqual(budget.tryAcquire(1), undefined);
});

test("who gives up waiting for a budget lets those behind through", async () => {
  const budget = new Budget(10, 100, clock);
  const held = await budget.acquire(50, never);
  const abort = new AbortController();
  const large = budget.acquire(80, abort.signal);
  const small = budget.acquire(50, never);
  abort.abort(new Error("enough"));
  await assert.rejects(large, /enough/);
  (await small)();
  held();
  assert.equal(budget.items, 0);
});

test("a semaphore never has more holders than places, over 1,000 of them", async () => {
  const semaphore = new Semaphore(3);
  let now = 0;
  let most = 0;
  await Promise.all(Array.from({ length: 1_000 }, async (_, i) => {
    const leave = await semaphore.acquire(never);
    most = Math.max(most, ++now);
    if (i % 7 === 0) await settle();
    now--;
    leave();
    leave();
  }));
  assert.equal(most, 3);
  assert.equal(semaphore.held, 0);
  const aborted = AbortSignal.abort(new Error("over"));
  await assert.rejects(semaphore.acquire(aborted), /over/);
});

test("a semaphore of another size: those inside stay, those that wait come in as far as it goes", async () => {
  const semaphore = new Semaphore(2);
  const leave = await Promise.all([semaphore.acquire(never), semaphore.acquire(never)]);
  let came = 0;
  const waiting = [1, 2, 3].map(async () => {
    leave.push(await semaphore.acquire(never));
    came++;
  });
  semaphore.resize(4);
  await settle();
  assert.deepEqual([came, semaphore.held], [2, 4]);
  semaphore.resize(1);
  for (const one of leave.splice(0, 3)) one();
  await settle();
  assert.deepEqual([came, semaphore.held], [2, 1], "one is inside: nobody comes in");
  for (const one of leave.splice(0)) one();
  await Promise.all(waiting);
  assert.equal(came, 3);
});

test("a task group waits for all, tells the first failure at once and throws it at the end", async () => {
  const told: unknown[] = [];
  const group = new TaskGroup((error) => told.push(error));
  let release = () => {};
  group.run(() => new Promise((resolve) => release = resolve));
  group.run(() => Promise.reject(new Error("first")));
  group.run(() => Promise.reject(new Error("second")));
  await settle();
  assert.equal(told.length, 1);
  const joined = group.join();
  release();
  await assert.rejects(joined, /first/);
});

test("a watchdog barks once when it is not fed, never while it is fed or paused, at once after a sleep", async () => {
  const clock = new ManualClock();
  const barks: string[] = [];
  const watchdog = new Watchdog(60_000, (reason) => barks.push(reason), clock);
  for (let i = 0; i < 5; i++) {
    await clock.advance(50_000);
    watchdog.feed();
  }
  watchdog.pause();
  await clock.advance(600_000);
  watchdog.resume();
  await clock.advance(50_000);
  assert.equal(barks.length, 0);
  await clock.advance(20_000);
  assert.equal(barks.join(), "silent");
  await clock.advance(600_000);
  assert.equal(barks.join(), "silent");
  const other = new Watchdog(60_000, (reason) => barks.push(reason), clock);
  clock.jump(120_000);
  await clock.advance(5_000);
  assert.equal(barks.join(), "silent,clock_jump");
  other.stop();
  assert.equal(clock.pending, 0);
});

test("a delay ends with the signal's reason and leaves no timer", async () => {
  const clock = new ManualClock();
  const abort = new AbortController();
  const waiting = delay(1_000, { signal: abort.signal, clock });
  abort.abort(new Error("stop"));
  await assert.rejects(waiting, /stop/);
  assert.equal(clock.pending, 0);
  let done = false;
  const ended = delay(1_000, { clock }).then(() => done = true);
  await clock.advance(999);
  assert.equal(done, false);
  await clock.advance(1);
  await ended;
});

test("a budget tells for how long the oldest of what it holds is held, by no clock that is set", async () => {
  const clock = new ManualClock(1_000);
  const budget = new Budget(3, 100, clock);
  assert.equal(budget.oldestAgeMs, 0);
  const first = await budget.acquire(1, new AbortController().signal);
  await clock.advance(500);
  const second = await budget.acquire(1, new AbortController().signal);
  await clock.advance(100);
  clock.jump(-3_600_000);
  assert.equal(budget.oldestAgeMs, 600);
  first();
  assert.equal(budget.oldestAgeMs, 100);
  second();
  assert.equal(budget.oldestAgeMs, 0);
});
