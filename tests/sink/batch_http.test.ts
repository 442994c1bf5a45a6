/** One request for several messages, against a real target. */
import assert from "node:assert/strict";
import type http from "node:http";
import { type Clock, systemClock } from "../../src/async/clock.ts";
import { Semaphore } from "../../src/async/semaphore.ts";
import { loadSettings } from "../../src/config/load.ts";
import type { Attempt, Sink } from "../../src/flow.ts";
import { batchHttpSink } from "../../src/sink/batch_http.ts";
import { eventLevel } from "../../src/observe/event_level.ts";
import type { Observe } from "../../src/observe/events.ts";
import { envelope, writtenIn } from "../support/batches.ts";
import { ManualClock } from "../support/manual_clock.ts";
import { startTarget } from "../support/rig.ts";
import { test, type TestContext } from "../support/test.ts";

const never = new AbortController().signal;

/** A batching sink for `url`; `more` is what else the target says. */
function sinkFor(
  t: TestContext,
  url: URL,
  batch: Record<string, unknown>,
  { clock = systemClock, drain = never, limit = 10, more = {}, observe = () => {} }: {
    clock?: Clock;
    drain?: AbortSignal;
    limit?: number;
    more?: Record<string, unknown>;
    observe?: Observe;
  } = {},
): Sink {
  const content = {
    cloud_url: "http://127.0.0.1:1",
    channel: "c",
    token: "t",
    default_target: { url: url.href, ...more, batch },
  };
  const { defaultRoute } =
    loadSettings({ file: { path: "/test.json", content }, env: {}, flags: {} }).settings;
  const target = defaultRoute?.targets[0];
  assert.ok(target?.batch);
  const places = new Semaphore(limit);
  const sink = batchHttpSink(target, target.batch, {
    maxSockets: () => limit,
    admit: ({ signal }) => places.acquire(signal),
    drain,
    clock,
    observe,
  });
  t.defer(() => sink[Symbol.asyncDispose]());
  return sink;
}

function sendAll(sink: Sink, bodies: readonly string[]): Promise<Attempt[]> {
  return Promise.all(bodies.map((body) => sink.send(envelope(body), 1, never)));
}

/** The bodies of each request, in order. */
function bodiesIn(got: readonly { body: Uint8Array }[]): string[][] {
  return got.map(({ body }) => writtenIn(body).map((message) => message.body));
}

const kinds = (attempts: readonly Attempt[]) => attempts.map(({ kind }) => kind);

test("so many messages as allowed go in one request, in order, without waiting for more", async (t) => {
  const target = await startTarget(t);
  const sink = sinkFor(t, target.url, { max_messages: 3, max_wait_seconds: 60 });
  const attempts = await sendAll(sink, ["1", "2", "3", "4", "5", "6"]);
  assert.deepEqual(bodiesIn(target.got), [["1", "2", "3"], ["4", "5", "6"]]);
  const delivered = { kind: "delivered", status: 200, request: { failed: false } };
  assert.deepEqual(attempts, Array(6).fill(delivered));
  assert.equal(target.got[0]?.headers["x-webhook-batch-size"], "3");
  assert.equal(target.got[0]?.headers["content-type"], "application/json");
  assert.equal(target.got[0]?.headers["idempotency-key"], undefined);
  assert.equal(target.got[0]?.url, "/hooks");
});

test("what has come goes out when the first has waited as long as allowed", async (t) => {
  const target = await startTarget(t);
  const clock = new ManualClock();
  const sink = sinkFor(t, target.url, { max_wait_seconds: 2 }, { clock });
  const first = sink.send(envelope("1"), 1, never);
  await clock.advance(1_999);
  const second = sink.send(envelope("2"), 1, never);
  assert.equal(target.got.length, 0);
  await clock.advance(1);
  await Promise.all([first, second]);
  assert.deepEqual(bodiesIn(target.got), [["1", "2"]]);
});

test("a request holds no more bytes of bodies than allowed; a larger body goes alone", async (t) => {
  const target = await startTarget(t);
  const sink = sinkFor(t, target.url, { max_bytes: 10, max_wait_seconds: 60 }, { limit: 1 });
  await sendAll(sink, ["aaaa", "bbbb", "ccc", "ddddddd", "eeeeeeeeeeeeeee", "fffff", "ggggg"]);
  assert.deepEqual(bodiesIn(target.got), [
    ["aaaa", "bbbb"],
    ["ccc", "ddddddd"],
    ["eeeeeeeeeeeeeee"],
    ["fffff", "ggggg"],
  ]);
});

test("one request takes one place, and what comes while it waits for a place still joins it", async (t) => {
  const answers: ((status: number) => void)[] = [];
  const target = await startTarget(t, () => new Promise((resolve) => answers.push(resolve)));
  const clock = new ManualClock();
  const sink = sinkFor(t, target.url, { max_messages: 4, max_wait_seconds: 1 }, {
    clock,
    limit: 1,
  });
  const first = sink.send(envelope("1"), 1, never);
  await clock.advance(1_000);
  await target.arrived(1);
  const second = sink.send(envelope("2"), 1, never);
  await clock.advance(1_000);
  const third = sink.send(envelope("3"), 1, never);
  assert.equal(target.got.length, 1);
  answers[0]?.(200);
  await first;
  await target.arrived(2);
  answers[1]?.(200);
  await Promise.all([second, third]);
  assert.deepEqual(bodiesIn(target.got), [["1"], ["2", "3"]]);
});

test("a drain sends at once what is waiting, and lets nothing wait after it", async (t) => {
  const target = await startTarget(t);
  const drain = new AbortController();
  const sink = sinkFor(t, target.url, { max_wait_seconds: 60 }, { drain: drain.signal });
  const waiting = sendAll(sink, ["1", "2"]);
  drain.abort();
  await waiting;
  await sendAll(sink, ["3", "4"]);
  assert.deepEqual(bodiesIn(target.got), [["1", "2"], ["3", "4"]]);
});

test("a message that is aborted leaves the batch before it is sent; with the last the request is dropped", async (t) => {
  const target = await startTarget(t);
  const clock = new ManualClock();
  const sink = sinkFor(t, target.url, { max_wait_seconds: 1 }, { clock });
  const abort = new AbortController();
  const gone = sink.send(envelope("gone"), 1, abort.signal);
  const kept = sink.send(envelope("kept"), 1, never);
  abort.abort(new Error("not wanted"));
  await assert.rejects(gone, /not wanted/);
  await clock.advance(1_000);
  await kept;
  assert.deepEqual(bodiesIn(target.got), [["kept"]]);

  const again = new AbortController();
  const last = sink.send(envelope("last"), 1, again.signal);
  again.abort(new Error("not wanted either"));
  await assert.rejects(last, /not wanted either/);
  assert.equal(clock.pending, 0);
  await assert.rejects(sink.send(envelope("late"), 1, again.signal), /not wanted either/);
});

test("a request is aborted when the last of its messages is, not before", async (t) => {
  let closed: () => void;
  const wasClosed = new Promise<void>((resolve) => closed = resolve);
  const target = await startTarget(t, (_n, _got, response) => {
    response.on("close", () => closed());
    return new Promise(() => {});
  });
  const sink = sinkFor(t, target.url, { max_messages: 2 });
  const [one, two] = [new AbortController(), new AbortController()];
  const first = sink.send(envelope("1"), 1, one.signal);
  const second = sink.send(envelope("2"), 1, two.signal);
  await target.arrived(1);
  one.abort(new Error("one"));
  await assert.rejects(first, /one/);
  two.abort(new Error("two"));
  await assert.rejects(second, /two/);
  await wasClosed;
});

test("what is answered 413 goes again at once, half as many in a request: it is one attempt", async (t) => {
  const target = await startTarget(t, (_n, { body }) => writtenIn(body).length > 2 ? 413 : 200);
  const clock = new ManualClock();
  const told: unknown[] = [];
  const sink = sinkFor(t, target.url, { max_messages: 8, max_wait_seconds: 60 }, {
    clock,
    observe: (event) =>
      event.type === "batch.sent" && told.push([event.messages, event.status, eventLevel(event)]),
  });
  const bodies = ["1", "2", "3", "4", "5", "6", "7", "8"];
  assert.deepEqual(kinds(await sendAll(sink, bodies)), Array(8).fill("delivered"));
  const taken = target.got.map(({ body }) => writtenIn(body)).filter(({ length }) => length <= 2);
  assert.deepEqual(
    taken.flat().map(({ body, attempt }) => [body, attempt]),
    bodies.map((b) => [b, 1]),
  );
  assert.deepEqual(told, [
    [8, 413, "warning"],
    [4, 413, "warning"],
    ...Array(4).fill([2, 200, "debug"]),
  ]);
  // For a while there are no more in one to begin with.
  await sendAll(sink, ["1", "2"]);
  assert.equal(told.length, 7);
  // A minute later larger ones are tried again.
  await clock.advance(60_000);
  await sendAll(sink, ["1", "2", "3", "4"]);
  assert.deepEqual(target.got.slice(7).map(({ body }) => writtenIn(body).length), [4, 2, 2]);

  const tiny = await startTarget(t, () => 413);
  const one = await sendAll(sinkFor(t, tiny.url, { max_messages: 1 }), ["x"]);
  assert.deepEqual(kinds(one), ["permanent"]);
});

test("one message that is too large by itself is refused for good, its neighbours are delivered", async (t) => {
  const target = await startTarget(
    t,
    (_n, { body }) => writtenIn(body).some((message) => message.body === "large") ? 413 : 200,
  );
  const sink = sinkFor(t, target.url, { max_messages: 4, max_wait_seconds: 60 });
  const attempts = await sendAll(sink, ["1", "large", "3", "4"]);
  assert.deepEqual(kinds(attempts), ["delivered", "permanent", "delivered", "delivered"]);
});

test("a target's own headers and method are used; a target that does not answer in time is tried again", async (t) => {
  const target = await startTarget(t, () => new Promise(() => {}));
  const clock = new ManualClock();
  const sink = sinkFor(t, target.url, { max_messages: 2 }, {
    clock,
    more: { method: "put", headers: { "X-Api-Key": "k" }, timeout_seconds: 5 },
  });
  const sent = sendAll(sink, ["1", "2"]);
  await target.arrived(1);
  await clock.advance(5_000);
  assert.deepEqual(
    await sent,
    Array(2).fill({
      kind: "transient",
      reason: { code: "timeout", message: "the target did not answer within 5 s" },
      request: { failed: true },
    }),
  );
  assert.equal(target.got[0]?.method, "PUT");
  assert.equal(target.got[0]?.headers["x-api-key"], "k");
});

test("a target that cannot be reached is tried again with every message", async (t) => {
  const sink = sinkFor(t, new URL("http://127.0.0.1:1/"), { max_messages: 2 });
  const attempts = await sendAll(sink, ["1", "2"]);
  assert.deepEqual(kinds(attempts), ["transient", "transient"]);
  assert.match(JSON.stringify(attempts[0]), /"refused"/);
});

/** What the target says to the messages a, b and c, and what becomes of them. */
const answers: [
  what: string,
  respond: (ids: string[], response: http.ServerResponse) => number,
  expected: Attempt["kind"][],
][] = [
  ["a 204", () => 204, ["delivered", "delivered", "delivered"]],
  ["a 200 with a body of its own", json(200, () => ({ ok: true })), [
    "delivered",
    "delivered",
    "delivered",
  ]],
  ["a 200 with an empty list of results", json(200, () => ({ results: [] })), [
    "delivered",
    "delivered",
    "delivered",
  ]],
  ["a 400", () => 400, ["permanent", "permanent", "permanent"]],
  ["a 503", () => 503, ["transient", "transient", "transient"]],
  ["a 302", () => 302, ["transient", "transient", "transient"]],
  ["a 207 with a status each", json(207, results(201, 503, 422)), [
    "delivered",
    "transient",
    "permanent",
  ]],
  ["a 200 with a status each", json(200, results(200, 429, 404)), [
    "delivered",
    "transient",
    "permanent",
  ]],
  ["a 207 that leaves one out", json(207, results(200, undefined, 200)), [
    "delivered",
    "transient",
    "delivered",
  ]],
  ["a 200 that leaves one out", json(200, results(200, undefined, 200)), [
    "delivered",
    "transient",
    "delivered",
  ]],
  ["a 207 with a status that is none", json(207, results(200, 9000, 200)), [
    "delivered",
    "transient",
    "delivered",
  ]],
  ["a 207 without a body", () => 207, ["transient", "transient", "transient"]],
  ["a 207 with results that are none", json(207, () => ({ results: "all fine" })), [
    "transient",
    "transient",
    "transient",
  ]],
  ["a 207 with more than 1 MiB", json(207, () => ({ results: "x".repeat(1_100_000) })), [
    "transient",
    "transient",
    "transient",
  ]],
  ["a 200 with more than 1 MiB", json(200, () => ({ echo: "x".repeat(1_100_000) })), [
    "delivered",
    "delivered",
    "delivered",
  ]],
  ["a 200 with results of more than 1 MiB", json(200, longResults), [
    "transient",
    "transient",
    "transient",
  ]],
  ["a 200 with a status each that is a text", json(200, textResults), [
    "transient",
    "transient",
    "transient",
  ]],
  ["a 200 with results of another kind", json(200, () => ({ results: [{ id: 1 }] })), [
    "delivered",
    "delivered",
    "delivered",
  ]],
  ["a 200 whose JSON breaks off", breaksOff("application/json"), [
    "transient",
    "transient",
    "transient",
  ]],
  ["a 200 whose text breaks off", breaksOff("text/plain"), [
    "delivered",
    "delivered",
    "delivered",
  ]],
];

function json(status: number, body: (ids: string[]) => unknown) {
  return (ids: string[], response: http.ServerResponse) => {
    response.writeHead(status, { "Content-Type": "application/json" });
    response.end(JSON.stringify(body(ids)));
    return status;
  };
}

function results(...statuses: (number | undefined)[]) {
  return (ids: string[]) => ({
    results: ids.flatMap((message_id, i) =>
      statuses[i] === undefined ? [] : [{ message_id, status: statuses[i] }]
    ),
  });
}

function textResults(ids: string[]) {
  return { results: ids.map((message_id) => ({ message_id, status: "503" })) };
}

function longResults(ids: string[]) {
  const why = "x".repeat(1_100_000);
  return { results: ids.map((message_id) => ({ message_id, status: 503, why })) };
}

function breaksOff(contentType: string) {
  return (_ids: string[], response: http.ServerResponse) => {
    response.writeHead(200, { "Content-Type": contentType, "Content-Length": "100" });
    response.write("{", () => response.destroy());
    return 200;
  };
}

for (const [what, respond, expected] of answers) {
  test(`${what} to three messages: ${expected.join(", ")}`, async (t) => {
    const target = await startTarget(t, (_n, { body }, response) => {
      return respond(writtenIn(body).map(({ message_id }) => message_id), response);
    });
    const sink = sinkFor(t, target.url, { max_messages: 3 });
    const attempts = await sendAll(sink, ["a", "b", "c"]);
    assert.deepEqual(kinds(attempts), expected);
    // Once for all of them: what the request says of the target.
    const [request, ...others] = new Set(attempts.map(({ request }) => request));
    const failed = expected.every((kind) => kind === "transient");
    assert.deepEqual([request, others], [{ failed }, []]);
  });
}

test("Retry-After of the answer holds for each message that is to come again", async (t) => {
  const target = await startTarget(t, (_n, { body }, response) => {
    const ids = writtenIn(body).map(({ message_id }) => message_id);
    response.setHeader("Retry-After", "7");
    return json(207, results(200, 429))(ids, response);
  });
  const [well, later] = await sendAll(sinkFor(t, target.url, { max_messages: 2 }), ["a", "b"]);
  assert.equal(well?.kind, "delivered");
  assert.equal(later?.kind === "transient" && later.retryAfterMs, 7_000);
});
