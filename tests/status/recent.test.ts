import assert from "node:assert/strict";
import type { ConnectorEvent } from "../../src/observe/events.ts";
import { bucketOf, percentile } from "../../src/observe/latency.ts";
import { foldRecent, type RecentFold } from "../../src/observe/recent.ts";
import { ManualClock } from "../support/manual_clock.ts";
import { publish, settings, startConnector, startDevRelay, startTarget } from "../support/rig.ts";
import { test } from "../support/test.ts";

const target = "default";
const about = (messageId: string) => ({ messageId, webhookId: "hook" });
const post = { method: "POST", path: "/a" };
const refused = { code: "status", message: "the target answered 500", status: 500 } as const;

function received(messageId: string): ConnectorEvent {
  return { type: "delivery.received", ...about(messageId), ...post, bytes: 12, lagMs: 3 };
}

function attempted(messageId: string, attempt: number, isGood: boolean): ConnectorEvent {
  return {
    type: "delivery.attempted",
    ...about(messageId),
    ...{ target, attempt, durationMs: 20 },
    ...(isGood ? { result: "delivered", status: 200 } : { result: "transient", reason: refused }),
  };
}

function succeeded(messageId: string, to = target): ConnectorEvent {
  const counted = { attempts: 2, status: 200, durationMs: 520, lagMs: 3 };
  return { type: "delivery.succeeded", ...about(messageId), target: to, ...counted };
}

test("a message is told with its attempts, their times and reasons, how it ended and what the relay heard", async () => {
  const clock = new ManualClock();
  const fold = foldRecent(clock);
  const start = clock.now();
  fold.observe(received("m"));
  assert.equal(fold.message("m")?.standing, "in_hand");
  await clock.advance(20);
  fold.observe(attempted("m", 1, false));
  fold.observe({
    type: "delivery.retrying",
    ...about("m"),
    ...{ target, attempt: 1, reason: refused, delayMs: 480 },
  });
  assert.equal(fold.message("m")?.standing, "retrying");
  assert.equal(fold.message("m")?.durationMs, undefined);
  await clock.advance(500);
  fold.observe(attempted("m", 2, true));
  fold.observe(succeeded("m"));
  fold.observe({ type: "settlement.confirmed", messageId: "m", verdict: "ack", retry: false });
  const { version: _, targets, attempts, ...message } = fold.message("m")!;
  assert.deepEqual(message, {
    ...about("m"),
    traceId: undefined,
    ...post,
    at: start,
    lagMs: 3,
    bytes: 12,
    copies: 1,
    standing: "delivered",
    reason: undefined,
    attemptCount: 2,
    durationMs: 520,
    settled: "ack",
    isDeadLetter: false,
  });
  const delivered = { standing: "delivered", reason: undefined, isDeadLetter: false };
  assert.deepEqual(targets, [{ name: target, ...delivered }]);
  assert.deepEqual(
    attempts.map(({ startedAt, status, result, reason }) => [
      ...[startedAt - start, status, result, reason],
    ]),
    [
      [0, 500, "transient", refused.message],
      [500, 200, "delivered", undefined],
    ],
  );
});

test("of several targets the one furthest from success decides where the message stands", () => {
  const fold = foldRecent(new ManualClock());
  fold.observe(received("m"));
  fold.observe({
    type: "delivery.failed",
    ...about("m"),
    ...{ target: "audit", outcome: "rejected", attempts: 1, reason: refused },
  });
  fold.observe(succeeded("m", "orders"));
  assert.equal(fold.message("m")?.standing, "rejected");
  assert.equal(fold.message("m")?.reason, refused.message);
  fold.observe(putAway("m", "audit"));
  assert.equal(isLetter(fold), true);
  fold.observe(succeeded("m", "audit"));
  fold.observe(replayed("m", "audit", true));
  assert.equal(fold.message("m")?.standing, "delivered");
  assert.equal(fold.message("m")?.isDeadLetter, false);
});

for (const ack of ["all", "any", "primary"]) {
  test(`ack: ${ack}: a webhook for two targets is over when the second has it, too, and took until then`, async (t) => {
    const quick = await startTarget(t);
    const answer = Promise.withResolvers<number>();
    const slow = await startTarget(t, (n) => n === 1 ? 503 : answer.promise);
    const relay = await startDevRelay(t);
    const wait = { retry_delay_seconds: 0.01, retry_max_delay_seconds: 0.05 };
    const to = [quick, slow].map(({ url }) => ({ ...wait, url: url.href }));
    const given = { targets: { hook: { to, ack } } };
    const run = startConnector(t, settings(relay.url, quick.url, "websocket", given));
    const clock = new ManualClock();
    const fold = foldRecent(clock);
    let seen = 0;
    const look = () => {
      for (; seen < run.events.length; seen++) fold.observe(run.events[seen]!);
      const { standing, durationMs, targets } = fold.messages()[0]!;
      return [standing, durationMs, ...targets.map((target) => target.standing)];
    };
    await publish(relay, "x");
    await run.happened("delivery.succeeded");
    await run.happened("delivery.retrying");
    await slow.arrived(2);
    assert.deepEqual(look(), ["retrying", undefined, "delivered", "retrying"]);
    await clock.advance(31_000);
    answer.resolve(200);
    await run.happened("settlement.confirmed");
    assert.deepEqual(look(), ["delivered", 31_000, "delivered", "delivered"]);
  });
}

test("a webhook for several targets is in hand until each has answered, and a replay takes no time of it", async () => {
  const clock = new ManualClock();
  const fold = foldRecent(clock);
  const took = () => [fold.message("m")?.standing, fold.message("m")?.durationMs];
  fold.observe(received("m"));
  fold.observe({ type: "delivery.routed", ...about("m"), targets: ["orders", "audit"] });
  fold.observe(succeeded("m", "orders"));
  assert.deepEqual(took(), ["in_hand", undefined]);
  await clock.advance(40);
  fold.observe(failed("m", "rejected", "audit"));
  fold.observe(putAway("m", "audit"));
  assert.deepEqual(took(), ["rejected", 40]);
  await clock.advance(60_000);
  const why = { target: "audit", attempt: 1, reason: refused, delayMs: 1 };
  fold.observe({ type: "delivery.retrying", ...about("m"), ...why });
  fold.observe(succeeded("m", "audit"));
  fold.observe(replayed("m", "audit", true));
  assert.deepEqual(took(), ["delivered", 40]);
});

/** Without `target`: before any was asked. */
function failed(
  messageId: string,
  outcome: "rejected" | "exhausted",
  to?: string,
): ConnectorEvent {
  const where = to === undefined ? {} : { target: to };
  const counted = { outcome, attempts: 1, reason: refused };
  return { type: "delivery.failed", ...about(messageId), ...where, ...counted };
}

function deferred(messageId: string): ConnectorEvent {
  return { type: "delivery.deferred", ...about(messageId), reason: refused, delayMs: 1 };
}

function putAway(messageId: string, to: string): ConnectorEvent {
  return { type: "dead_letter.stored", ...about(messageId), target: to, reason: refused };
}

function replayed(messageId: string, to: string, delivered: boolean): ConnectorEvent {
  return { type: "dead_letter.replayed", ...about(messageId), target: to, delivered };
}

function duplicate(messageId: string, outcome: "delivered" | "rejected"): ConnectorEvent {
  return { type: "delivery.duplicate", ...about(messageId), state: "finished", outcome };
}

function settled(messageId: string, verdict: "ack" | "nack"): ConnectorEvent {
  return { type: "settlement.confirmed", messageId, verdict, retry: verdict === "nack" };
}

for (
  const [what, before, standing] of [
    ["no target", [failed("m", "exhausted")], "exhausted"],
    ["one that failed before it in its order", [deferred("m")], "deferred"],
    ["a target of another name", [failed("m", "exhausted", "old")], "exhausted"],
  ] as const
) {
  test(`what was given back because of ${what}, and comes again, is in hand and then delivered`, () => {
    const fold = foldRecent(new ManualClock());
    for (const event of [received("m"), ...before, settled("m", "nack")]) fold.observe(event);
    assert.deepEqual(told(fold), [standing, refused.message, "nack"]);
    fold.observe(received("m"));
    assert.deepEqual(told(fold), ["in_hand", undefined, undefined]);
    for (const event of [attempted("m", 1, true), succeeded("m")]) fold.observe(event);
    fold.observe(settled("m", "ack"));
    assert.deepEqual(told(fold), ["delivered", undefined, "ack"]);
    assert.deepEqual(fold.message("m")?.targets.map(({ name }) => name), [target]);
  });
}

test("a copy changes nothing of how a message ended, whenever somebody looks", async () => {
  const clock = new ManualClock();
  const fold = foldRecent(clock);
  for (const event of [received("m"), failed("m", "rejected", target)]) fold.observe(event);
  fold.observe(settled("m", "nack"));
  const { copies: _, version: __, ...before } = fold.message("m")!;
  await clock.advance(1_000);
  for (const event of [received("m"), duplicate("m", "rejected")]) fold.observe(event);
  const { copies, version: ___, ...after } = fold.message("m")!;
  assert.equal(copies, 2);
  assert.deepEqual(after, before);
});

for (const outcome of ["delivered", "rejected"] as const) {
  test(`what was ${outcome} before this process began, and comes again, is not in hand`, () => {
    const fold = foldRecent(new ManualClock());
    for (const event of [received("m"), duplicate("m", outcome)]) fold.observe(event);
    assert.deepEqual(told(fold), [outcome, undefined, undefined]);
    fold.observe(settled("m", outcome === "delivered" ? "ack" : "nack"));
    const { settled: verdict, attemptCount, durationMs } = fold.message("m")!;
    assert.equal(verdict, outcome === "delivered" ? "ack" : "nack");
    assert.deepEqual([attemptCount, durationMs], [0, undefined]);
  });
}

test("a message that no target was asked for, and that is replayed, stands where its targets do", () => {
  const fold = foldRecent(new ManualClock());
  for (const event of [received("m"), failed("m", "rejected"), putAway("m", "")]) {
    fold.observe(event);
  }
  assert.deepEqual([...told(fold), isLetter(fold)], [
    "rejected",
    refused.message,
    undefined,
    true,
  ]);
  fold.observe(succeeded("m", "orders"));
  fold.observe(replayed("m", "orders", true));
  assert.deepEqual([...told(fold), isLetter(fold)], ["delivered", undefined, undefined, false]);
  fold.observe(failed("m", "exhausted", "audit"));
  fold.observe(replayed("m", "audit", false));
  assert.deepEqual([fold.message("m")?.standing, isLetter(fold)], ["exhausted", true]);
});

test("it is a dead letter while any target's letter is kept, whichever was replayed last", () => {
  const fold = foldRecent(new ManualClock());
  fold.observe(received("m"));
  for (const to of ["orders", "audit"]) {
    for (const event of [failed("m", "rejected", to), putAway("m", to)]) fold.observe(event);
  }
  fold.observe(failed("m", "rejected", "audit"));
  fold.observe(replayed("m", "audit", false));
  fold.observe(succeeded("m", "orders"));
  fold.observe(replayed("m", "orders", true));
  assert.deepEqual([fold.message("m")?.standing, isLetter(fold)], ["rejected", true]);
  // It came again and was delivered: its letter goes with that.
  for (const event of [received("m"), succeeded("m", "audit")]) fold.observe(event);
  assert.deepEqual([fold.message("m")?.standing, isLetter(fold)], ["delivered", false]);
});

test("a letter that is gone is that of its target", () => {
  const fold = foldRecent(new ManualClock());
  fold.observe(received("m"));
  for (const to of ["orders", "audit"]) {
    for (const event of [failed("m", "rejected", to), putAway("m", to)]) fold.observe(event);
  }
  const gone = (to: string, by: "room" | "hand") =>
    fold.observe({ type: "dead_letter.forgotten", ...about("m"), target: to, by });
  const letters = () => fold.message("m")?.targets.map(({ isDeadLetter }) => isDeadLetter);
  gone("audit", "room");
  gone("elsewhere", "room");
  assert.deepEqual([isLetter(fold), letters()], [true, [true, false]]);
  gone("orders", "hand");
  assert.deepEqual([isLetter(fold), letters()], [false, [false, false]]);
  assert.deepEqual(told(fold), ["rejected", refused.message, undefined]);
});

test("what comes again for one of several targets is in hand, and the others stand where they did", () => {
  const fold = foldRecent(new ManualClock());
  fold.observe(received("m"));
  for (const event of [failed("m", "rejected", "audit"), putAway("m", "audit")]) {
    fold.observe(event);
  }
  fold.observe(succeeded("m", "orders"));
  fold.observe({
    ...{ type: "delivery.deferred", ...about("m"), target: "billing", delayMs: 1 },
    reason: { code: "breaker_open", message: "it is failing" },
  });
  assert.deepEqual(told(fold), ["rejected", refused.message, undefined]);
  fold.observe(received("m"));
  assert.equal(fold.message("m")?.standing, "in_hand");
  fold.observe(succeeded("m", "billing"));
  assert.deepEqual(told(fold), ["rejected", refused.message, undefined]);
  assert.deepEqual(
    fold.message("m")?.targets.map(({ name, standing }) => `${name} ${standing}`),
    ["audit rejected", "orders delivered", "billing delivered"],
  );
});

function told(fold: RecentFold) {
  const { standing, reason, settled } = fold.message("m")!;
  return [standing, reason, settled];
}

function isLetter(fold: RecentFold) {
  return fold.message("m")?.isDeadLetter;
}

test("200 messages are kept, the newest first; one that comes again is the newest; attempts are bounded", () => {
  const fold = foldRecent(new ManualClock());
  for (let i = 0; i < 250; i++) fold.observe(received(`m${i}`));
  fold.observe(received("m100"));
  const ids = fold.messages().map(({ messageId }) => messageId);
  assert.equal(ids.length, 200);
  assert.deepEqual(ids.slice(0, 2), ["m100", "m249"]);
  assert.equal(ids.at(-1), "m50");
  assert.equal(fold.message("m100")?.copies, 2);
  for (let i = 1; i <= 80; i++) fold.observe(attempted("m100", i, false));
  assert.equal(fold.message("m100")?.attempts.length, 50);
  assert.equal(fold.message("m100")?.attemptCount, 80);
});

test("every change has a version above the last: who looks twice sees what is new", () => {
  const fold = foldRecent(new ManualClock());
  fold.observe(received("a"));
  fold.observe(received("b"));
  const before = Math.max(...fold.messages().map(({ version }) => version));
  fold.observe(succeeded("a"));
  const after = fold.messages().filter(({ version }) => version > before);
  assert.deepEqual(after.map(({ messageId }) => messageId), ["a"]);
});

test("who looks once sees what somebody saw who looked all the time, however much came", () => {
  const clock = new ManualClock();
  const folds = [foldRecent(clock), foldRecent(clock)] as const;
  const [once, often] = folds;
  const tell = (...events: ConnectorEvent[]) => {
    for (const event of events) {
      for (const fold of folds) fold.observe(event);
      often.message("");
    }
  };
  const same = () => {
    const [of, was] = folds.map((fold) => fold.messages().map(({ version: _, ...rest }) => rest));
    assert.deepEqual(of, was);
    return of!;
  };
  const retried = (id: string, attempt: number) =>
    tell(attempted(id, attempt, false), {
      type: "delivery.retrying",
      ...about(id),
      ...{ target, attempt, reason: refused, delayMs: 1 },
    });
  tell(received("long in hand"));
  for (let attempt = 1; attempt <= 3_000; attempt++) retried("long in hand", attempt);
  assert.equal(same().find(({ messageId }) => messageId === "long in hand")?.attemptCount, 3_000);

  tell(received("comes again"), attempted("comes again", 1, false));
  for (let n = 0; n < 5_000; n++) {
    tell(received(`m${n}`), attempted(`m${n}`, 1, true), succeeded(`m${n}`));
    tell({ type: "settlement.confirmed", messageId: `m${n}`, verdict: "ack", retry: false });
    if (n % 150 === 0) tell(received("comes again"), attempted("comes again", 1, false));
  }
  const messages = same();
  assert.equal(messages.length, 200);
  assert.equal(messages[0]?.messageId, "m4999");
  assert.equal(messages.find(({ messageId }) => messageId === "comes again")?.copies, 35);
  retried("long in hand", 3_001);
  assert.equal(same()[0]?.messageId, "long in hand");
  assert.equal(once.message("m0"), undefined);
});

test("what nobody looks at is bounded and costs little, however many events a message has", () => {
  const shares = [4, 9, 10, 20, 40].map((each) => () => each);
  for (const eventsOf of [...shares, (n: number) => n % 200 === 0 ? 9 : 10]) {
    const fold = foldRecent(new ManualClock());
    let told = 0;
    let reads = 0;
    const tell = (event: ConnectorEvent, id: string) => {
      told++;
      fold.observe({
        ...event,
        get messageId() {
          reads++;
          return id;
        },
      });
    };
    for (let n = 0; n < 2_000; n++) {
      tell(received(`m${n}`), `m${n}`);
      for (let attempt = 1; attempt < eventsOf(n); attempt++) {
        tell(attempted(`m${n}`, attempt, false), `m${n}`);
      }
    }
    assert.ok(reads <= 10 * told, `${reads} looks at ${told} events`);
    const before = reads;
    assert.equal(fold.messages().length, 200);
    assert.ok(reads - before <= 10 * 4_000, `${reads - before} looks at what waited`);
  }
});

test("the last five minutes: deliveries and failed attempts a second, and how long attempts took", async () => {
  const clock = new ManualClock();
  const fold = foldRecent(clock);
  for (let i = 0; i < 10; i++) fold.observe(attempted("m", i, i % 2 === 0));
  for (let i = 0; i < 5; i++) fold.observe(succeeded("m"));
  await clock.advance(5_000);
  const { delivered, failed, p50, p95, stepSeconds } = fold.series(5);
  assert.equal(stepSeconds, 5);
  assert.equal(delivered.length, 60);
  assert.deepEqual(delivered.slice(-2), [1, 0]);
  assert.deepEqual(failed.slice(-2), [1, 0]);
  assert.equal(fold.series().delivered.length, 300);
  const [median, none] = p50.slice(-2);
  assert.ok(median && Math.abs(median - 20) <= 2, String(median));
  assert.equal(none, undefined);
  assert.equal(p95.at(-2), median);
  await clock.advance(301_000);
  assert.ok(fold.series(5).delivered.every((rate) => rate === 0));
});

for (const ms of [0, 1, 2, 3, 4, 5, 17, 250, 999, 30_000, 120_000]) {
  test(`a percentile of one duration of ${ms} ms is that duration, within a tenth`, () => {
    const counts: number[] = [];
    counts[bucketOf(ms)] = 1;
    const told = percentile(counts, 0.95) ?? NaN;
    assert.ok(Math.abs(told - ms) <= ms / 10, String(told));
  });
}

test("no duration has no percentile, and one beyond all buckets counts as the longest", () => {
  assert.equal(percentile([0, 0], 0.5), undefined);
  const counts: number[] = [];
  counts[bucketOf(1e9)] = 1;
  assert.ok((percentile(counts, 0.5) ?? 0) > 100_000);
});
