/** A stream of smee.io or gosmee as a source, against a small server that speaks as they do. */
import assert from "node:assert/strict";
import { createHmac, randomBytes } from "node:crypto";
import type { Settings } from "../../src/config/settings.ts";
import { fastClock } from "../support/fast_clock.ts";
import { ManualClock } from "../support/manual_clock.ts";
import { settingsFor, startConnector, startTarget } from "../support/rig.ts";
import { startSmeeServer } from "../support/smee_server.ts";
import { test, type TestContext } from "../support/test.ts";
import { unsendableIds } from "../support/unsendable_ids.ts";

function smeeSettings(url: string, target: URL, more: Record<string, unknown> = {}): Settings {
  return settingsFor({ source: "smee", cloud_url: url }, target, more);
}

/** A connector that reads a stream and delivers what comes. */
async function startConnected(t: TestContext, kind: "smee.io" | "gosmee") {
  const server = await startSmeeServer(t, kind);
  const target = await startTarget(t);
  const run = startConnector(t, smeeSettings(server.url, target.url));
  await run.happened("stream.connected");
  return { server, target, run };
}

test("[gosmee] any bytes reach the target exactly, with their headers and signature", async (t) => {
  const { server, target, run } = await startConnected(t, "gosmee");
  const body = randomBytes(70_000);
  const signature = createHmac("sha256", "k").update(body).digest("hex");
  server.post(body, {
    "content-type": "application/octet-stream",
    "x-hub-signature-256": `sha256=${signature}`,
    "host": "gosmee.example",
  });
  await target.arrived(1);
  const [got] = target.got;
  assert.deepEqual(Buffer.from(got?.body ?? ""), body);
  assert.equal(got?.headers["x-hub-signature-256"], `sha256=${signature}`);
  assert.equal(got?.headers["content-type"], "application/octet-stream");
  assert.notEqual(got?.headers["host"], "gosmee.example");
  assert.equal(got?.method, "POST");
  await run.happened("settlement.confirmed");
  assert.ok(!run.events.some(({ type }) => type === "stream.frame_ignored"), "the greeting");
});

test("[smee.io] compact JSON arrives byte for byte, with query, headers and time of receipt", async (t) => {
  const { server, target, run } = await startConnected(t, "smee.io");
  const body = JSON.stringify({ b: 1, a: "é \u2028 😀", deep: [null, { x: "y" }] });
  server.post(body, { "content-type": "application/json", "x-github-event": "push" }, {
    "a b": "c&d",
    tag: ["1", "2"],
  });
  await run.happened("settlement.confirmed");
  const [got] = target.got;
  assert.equal(Buffer.from(got?.body ?? "").toString(), body);
  assert.equal(got?.url, "/hooks?a+b=c%26d&tag=1&tag=2");
  assert.equal(got?.headers["x-github-event"], "push");
  assert.equal(got?.headers["x-webhook-id"], "smee");
  const received = run.events.find((event) => event.type === "delivery.received");
  assert.ok(received?.type === "delivery.received" && received.lagMs < 60_000);
});

test("numbers keep the spelling they have in the event, and what describes bytes that are gone is not passed on", async (t) => {
  const { server, target } = await startConnected(t, "smee.io");
  server.event([
    'data: {"content-encoding":"gzip","content-type":"application/x-www-form-urlencoded",' +
    '"content-length":"3","body":{"n":1.10,"big":12345678901234567890},"timestamp":1}',
  ]);
  await target.arrived(1);
  const [got] = target.got;
  assert.equal(Buffer.from(got?.body ?? "").toString(), '{"n":1.10,"big":12345678901234567890}');
  assert.equal(got?.headers["content-type"], "application/json");
  assert.equal(got?.headers["content-encoding"], undefined);
  assert.equal(got?.headers["content-length"], "37");
});

for (const kind of ["smee.io", "gosmee"] as const) {
  test(`[${kind}] a stream that breaks is opened again; the same event twice is delivered once`, async (t) => {
    const { server, target, run } = await startConnected(t, kind);
    const same = ["id: 7-0", `data: ${JSON.stringify({ body: { n: 1 }, timestamp: 1_000 })}`];
    server.event(same);
    await run.happened("settlement.confirmed");
    server.cut();
    await run.happened("stream.connected", 2);
    await server.opened(2);
    server.event(same);
    await run.happened("delivery.duplicate");
    // A redelivery by the sender is another event.
    server.event([same[0] ?? "", `data: ${JSON.stringify({ body: { n: 1 }, timestamp: 2_000 })}`]);
    await target.arrived(2);
    assert.equal(target.got.length, 2);
    assert.equal(server.requests.at(-1)?.["last-event-id"], "7-0");
  });
}

for (const [name, id] of unsendableIds) {
  test(`an event id ${name} does not keep us from connecting again`, async (t) => {
    const { server, target, run } = await startConnected(t, "gosmee");
    server.event([`id: ${id}`, 'data: {"body":1,"timestamp":1}']);
    await target.arrived(1);
    server.cut();
    await run.happened("stream.connected", 2);
    assert.equal(server.requests.at(-1)?.["last-event-id"], undefined);
  });
}

test("a stream that says nothing more is given up, and opened again", async (t) => {
  const server = await startSmeeServer(t, "smee.io");
  const target = await startTarget(t);
  const clock = fastClock(100);
  const run = startConnector(t, smeeSettings(server.url, target.url), { clock });
  await run.happened("stream.connected", 2);
  const failed = run.events.find(({ type }) => type === "stream.failed");
  assert.ok(failed?.type === "stream.failed");
  assert.equal(failed.failureClass, "silent");
});

test("events that nothing tells apart are never taken for copies; those with a sender's id are", async (t) => {
  const { server, target, run } = await startConnected(t, "smee.io");
  const bare = [`data: {"body":{"beat":true}}`];
  const named = [`data: {"body":{"beat":true},"x-github-delivery":"d-1"}`];
  for (const event of [bare, bare, named, named]) server.event(event);
  await run.happened("delivery.duplicate");
  await target.arrived(3);
  assert.equal(new Set(target.got.map(({ headers }) => headers["idempotency-key"])).size, 3);
});

test("a duplicate is known after a restart too", async (t) => {
  const folder = t.folder();
  const server = await startSmeeServer(t, "gosmee");
  const target = await startTarget(t);
  const event = [`data: ${JSON.stringify({ bodyB: "YQ==", timestamp: "1000" })}`];
  for (const n of [1, 2]) {
    const run = startConnector(t, smeeSettings(server.url, target.url), { folder });
    await run.happened("stream.connected");
    await server.opened(n);
    server.event(event);
    await run.happened("settlement.confirmed");
    run.drain.abort();
    await run.ended;
  }
  assert.equal(target.got.length, 1);
});

test("what is no webhook is told and skipped: the stream goes on", async (t) => {
  const { server, target, run } = await startConnected(t, "gosmee");
  server.event(["event: gosmee-gap", 'data: {"error":"missed_history"}']);
  for (const data of ["nonsense", "[1]", '{"bodyB":"*"}', '{"x":"no body"}']) {
    server.event([`data: ${data}`]);
  }
  await run.happened("stream.frame_ignored", 5);
  const problems = run.events.flatMap((event) =>
    event.type === "stream.frame_ignored" ? [event.problem] : []
  );
  assert.deepEqual(problems, [
    "gosmee-gap",
    "not JSON",
    "not a JSON object",
    "bodyB: not base64",
    "it has neither body nor bodyB",
  ]);
  server.post("ok");
  await target.arrived(1);
  assert.equal(Buffer.from(target.got[0]?.body ?? "").toString(), "ok");
});

test("a target that fails is tried again; when the attempts are used up it is a dead letter here, and can be replayed", async (t) => {
  const server = await startSmeeServer(t, "gosmee");
  let status = 503;
  const target = await startTarget(t, () => status);
  const run = startConnector(t, smeeSettings(server.url, target.url));
  await run.happened("stream.connected");
  server.post("lost?");
  await run.happened("dead_letter.stored");
  assert.equal(target.got.length, 3);
  await run.happened("settlement.confirmed");
  const [letter] = run.journal.deadLetters.list(10);
  assert.equal(letter?.attempts, 3);
  assert.equal(letter?.target, "default");
  status = 200;
  await run.connector.replay(letter?.messageId ?? "");
  assert.equal(Buffer.from(target.got[3]?.body ?? "").toString(), "lost?");
  assert.equal(run.journal.deadLetters.list(10).length, 0);
});

test("what the end cuts short is kept here: in a retry, in line, and behind a full hand", async (t) => {
  const server = await startSmeeServer(t, "gosmee");
  const target = await startTarget(t, () => 503);
  const run = startConnector(
    t,
    smeeSettings(server.url, target.url, {
      ordering: "channel",
      max_queue_messages: 3,
      default_target: { retry_delay_seconds: 600, retry_max_delay_seconds: 600 },
    }),
  );
  await run.happened("stream.connected");
  for (const n of ["1", "2", "3", "4"]) server.post(n);
  await run.happened("delivery.retrying");
  await run.happened("delivery.received", 4);
  run.drain.abort();
  run.abort.abort();
  assert.deepEqual(await run.ended, { abandoned: 0 });
  const stored = run.events.filter(({ type }) => type === "dead_letter.stored");
  assert.equal(stored.length, 4);
});

test("of several targets only the one that has not got it has a letter, with its attempts", async (t) => {
  const server = await startSmeeServer(t, "gosmee");
  const good = await startTarget(t);
  const bad = await startTarget(t, () => 503);
  const slow = { retry_delay_seconds: 600, retry_max_delay_seconds: 600 };
  const run = startConnector(
    t,
    smeeSettings(server.url, good.url, {
      targets: {
        smee: [
          { name: "good", url: good.url.href },
          { name: "bad", url: bad.url.href, ...slow },
        ],
      },
    }),
  );
  await run.happened("stream.connected");
  server.post("once");
  await run.happened("delivery.succeeded");
  await run.happened("delivery.retrying");
  run.drain.abort();
  await run.happened("dead_letter.stored");
  const letters = run.events.flatMap((event) =>
    event.type === "dead_letter.stored" ? [event.target] : []
  );
  assert.deepEqual(letters, ["bad"]);
  await run.ended;
});

test("a target that is only slow gets everything, beside another one: nothing is put away", async (t) => {
  const count = 50;
  const server = await startSmeeServer(t, "gosmee");
  const quick = await startTarget(t);
  const clock = new ManualClock();
  const slow = await startTarget(
    t,
    () => new Promise((resolve) => clock.after(100, () => resolve(200))),
  );
  const to = [quick, slow].map(({ url }) => ({ url: url.href, max_concurrent_requests: 2 }));
  const run = startConnector(
    t,
    smeeSettings(server.url, quick.url, { targets: { smee: to } }),
    { clock },
  );
  await run.happened("stream.connected");
  for (let n = 0; n < count; n++) server.post(String(n));
  await run.happened("delivery.received", count);
  const ended = () =>
    run.events.filter(({ type }) => type === "settlement.confirmed").length === count;
  while (!ended()) await clock.advance(100);
  assert.deepEqual([quick.got.length, slow.got.length], [count, count]);
  assert.equal(run.journal.deadLetters.count, 0);
});

test("a webhook without a target is kept here", async (t) => {
  const server = await startSmeeServer(t, "gosmee");
  const target = await startTarget(t);
  const { defaultRoute: _, ...rest } = smeeSettings(server.url, target.url);
  const run = startConnector(t, { ...rest, defaultRoute: undefined });
  await run.happened("stream.connected");
  server.post("whose?");
  await run.happened("dead_letter.stored");
  assert.equal(run.journal.deadLetters.list(10)[0]?.reason.code, "no_target");
});
