/** What is taken in, and what is not. */
import assert from "node:assert/strict";
import process from "node:process";
import { githubSignature } from "../../src/protocol/signatures.ts";
import { policySchema } from "../../src/relay/ingest/policy.ts";
import { SeenDeliveries } from "../../src/relay/ingest/seen_deliveries.ts";
import type { RelayEvent } from "../../src/relay/relay_events.ts";
import { ManualClock } from "../support/manual_clock.ts";
import { openSocket } from "../support/old_client.ts";
import { openRaw, postHead } from "../support/raw_client.ts";
import { startDevRelay } from "../support/rig.ts";
import { test, type TestContext } from "../support/test.ts";
import { turnsUntil } from "../support/turns_until.ts";

/** A relay whose webhook id "hook" has this policy. */
async function startWith(t: TestContext, policy: unknown, trustedProxies: string[] = []) {
  const events: RelayEvent[] = [];
  const relay = await startDevRelay(t, {}, {
    policies: new Map([["hook", policySchema.parse(policy)]]),
    trustedProxies,
    observe: (event) => void events.push(event),
  });
  const send = async (init: RequestInit = {}, query = "") => {
    const response = await fetch(`${relay.url}/webhook/hook${query}`, { method: "POST", ...init });
    return { status: response.status, headers: response.headers, text: await response.text() };
  };
  const queued = () => relay.registry.named("dev")?.channel.stats.queued;
  return { relay, events, send, queued };
}

test("a webhook that is not signed as it should be is answered 401, counted, and not stored", async (t) => {
  const { send, queued, events } = await startWith(t, { verify: { type: "github", secret: "s" } });
  const body = '{"a":1}';
  const signed = (secret: string) => ({
    body,
    headers: { "X-Hub-Signature-256": githubSignature(body, secret) },
  });
  assert.equal((await send(signed("s"))).status, 202);
  assert.equal((await send(signed("other"))).status, 401);
  const bare = await send({ body });
  assert.equal(bare.status, 401);
  assert.match(bare.text, /X-Hub-Signature-256 is missing/);
  assert.equal(queued(), 1);
  const refused = events.filter((event) => event.type === "relay.refused");
  assert.deepEqual(refused.map(({ reason }) => reason), ["not_verified", "not_verified"]);
});

test("only allowed addresses may post; behind a trusted proxy it is the client's that counts", async (t) => {
  const open = await startWith(t, { allow_ips: ["127.0.0.0/8"] });
  assert.equal((await open.send({ body: "x" })).status, 202);
  const closed = await startWith(t, { allow_ips: ["203.0.113.0/24"] }, ["127.0.0.1"]);
  assert.equal((await closed.send({ body: "x" })).status, 403);
  const forwarded = (address: string) =>
    closed.send({ body: "x", headers: { "X-Forwarded-For": address } });
  assert.equal((await forwarded("203.0.113.5")).status, 202);
  assert.equal((await forwarded("203.0.113.5, 198.51.100.1")).status, 403);
  assert.equal((await forwarded("203.0.113.5:4711")).status, 202);
  const inside = await startWith(t, { allow_ips: ["127.0.0.0/8"] }, ["127.0.0.1"]);
  for (const sender of ["203.0.113.5:4711", "[2001:db8::1]:443", "unknown"]) {
    const headers = { "X-Forwarded-For": sender };
    assert.equal((await inside.send({ body: "x", headers })).status, 403, sender);
  }
});

test("too many are answered 429 with Retry-After", async (t) => {
  const { send } = await startWith(t, { rate_limit: { per_second: 0.01, burst: 2 } });
  assert.equal((await send()).status, 202);
  assert.equal((await send()).status, 202);
  const third = await send();
  assert.equal(third.status, 429);
  assert.equal(third.headers.get("retry-after"), "100");
});

test("what is not signed as it should be takes nothing of the rate that the sender may have", async (t) => {
  const { send, queued } = await startWith(t, {
    verify: { type: "github", secret: "s" },
    rate_limit: { per_second: 0.01, burst: 2 },
  });
  const body = "x";
  const signed = { body, headers: { "X-Hub-Signature-256": githubSignature(body, "s") } };
  for (const _ of [1, 2, 3]) assert.equal((await send({ body })).status, 401);
  assert.equal((await send(signed)).status, 202);
  assert.equal((await send(signed)).status, 202);
  assert.equal((await send(signed)).status, 429);
  assert.equal(queued(), 2);
});

test("a delivery that comes again is not stored again and hears the first one's id", async (t) => {
  const { send, queued } = await startWith(t, { idempotency: { header: "X-GitHub-Delivery" } });
  const delivery = (id: string) => send({ body: "x", headers: { "X-GitHub-Delivery": id } });
  const first = JSON.parse((await delivery("d1")).text);
  assert.deepEqual(JSON.parse((await delivery("d1")).text), {
    message_id: first.message_id,
    duplicate: true,
  });
  await delivery("d2");
  await send({ body: "without" });
  await send({ body: "without" });
  assert.equal(queued(), 4);
});

test("deliveries with one id that come at the same moment become one message", async (t) => {
  const { send, queued } = await startWith(t, { idempotency: { header: "X-GitHub-Delivery" } });
  const one = () => send({ body: "x", headers: { "X-GitHub-Delivery": "d1" } });
  const answers = await Promise.all(Array.from({ length: 20 }, one));
  const said = answers.map(({ text }) => JSON.parse(text));
  assert.equal(new Set(said.map(({ message_id }) => message_id)).size, 1);
  assert.equal(said.filter(({ duplicate }) => !duplicate).length, 1);
  assert.equal(queued(), 1);
});

test("a delivery that could not be stored is stored when it comes again, also at the same moment", async () => {
  const seen = new SeenDeliveries(1_000, new ManualClock());
  assert.equal(await seen.begin("d1"), undefined);
  const others = [seen.begin("d1"), seen.begin("d1")];
  seen.end("d1", undefined);
  assert.equal(await others[0], undefined, "it is the second's turn");
  seen.end("d1", "m2");
  assert.equal(await others[1], "m2");
});

test("a delivery id is known for its window of time that passes, whichever way the clock is set", async () => {
  const clock = new ManualClock();
  const seen = new SeenDeliveries(1_000, clock);
  await seen.begin("d1");
  seen.end("d1", "m1");
  clock.jump(7_200_000);
  assert.equal(await seen.begin("d1"), "m1");
  clock.jump(-14_400_000);
  await clock.advance(1_000);
  assert.equal(await seen.begin("d1"), undefined);
});

test("long delivery ids are known again, and take no more memory than short ones", async () => {
  const seen = new SeenDeliveries(1_000, new ManualClock());
  const idOf = (n: number) => new TextDecoder().decode(new Uint8Array(64 * 1024).fill(120)) + n;
  const inUse = () => process.memoryUsage().heapUsed;
  const before = inUse();
  for (let n = 0; n < 4_000; n++) { // 250 MiB
    assert.equal(await seen.begin(idOf(n)), undefined);
    seen.end(idOf(n), `m${n}`);
  }
  // What is garbage goes when there is more of it.
  let n = 0;
  await turnsUntil(() => idOf(n++).length > 0 && inUse() - before < 100 * 1024 * 1024);
  assert.equal(await seen.begin(idOf(7)), "m7");
});

test("a sender's challenge is answered at once and not stored", async (t) => {
  const slack = await startWith(t, { challenge: { type: "slack" } });
  const question = JSON.stringify({ type: "url_verification", challenge: "3eZb" });
  assert.deepEqual(
    [(await slack.send({ body: question })).text, slack.queued()],
    ["3eZb", 0],
  );
  assert.equal((await slack.send({ body: '{"type":"event_callback"}' })).status, 202);

  const hub = await startWith(t, { challenge: { type: "hub", verify_token: "v" } });
  const ask = (token: string) =>
    hub.send({ method: "GET" }, `?hub.mode=subscribe&hub.challenge=77&hub.verify_token=${token}`);
  assert.deepEqual([(await ask("v")).text, hub.queued()], ["77", 0]);
  assert.equal((await ask("wrong")).status, 202);
  assert.equal(hub.queued(), 1);
});

test("a signed webhook's challenge is answered only when it is signed", async (t) => {
  const { send } = await startWith(t, {
    verify: { type: "slack", secret: "s" },
    challenge: { type: "slack" },
  });
  const question = JSON.stringify({ type: "url_verification", challenge: "3eZb" });
  assert.equal((await send({ body: question })).status, 401);
});

const paths: [sent: string, taken: string][] = [
  ["/a'b%41%zz//c|?q=a+b&c=%20{|}#", "/a'b%41%zz//c|?q=a+b&c=%20{|}"],
  ["/a/./b/../c/%2e%2E/d?../e", "/a/d?../e"],
  ["/a\\b{}`é?q='x'&y=\"<z>\"\\", "/a/b%7B%7D%60%C3%A9?q=%27x%27&y=%22%3Cz%3E%22\\"],
];

test("path and query are taken as they are, but for what every URL parser writes otherwise", async (t) => {
  const { relay } = await startWith(t, {});
  const { frame } = openSocket(t, relay, {
    Authorization: "Bearer s3cret",
    "X-Connector-Capabilities": "exact-body",
  });
  for (const [n, [sent, taken]] of paths.entries()) {
    const client = await openRaw(
      t,
      relay.url,
      postHead(0).replace("hook HTTP", `hook${sent} HTTP`),
    );
    assert.match(await client.answered(/\}$/), /^HTTP\/1.1 202 /);
    assert.equal((await frame(n + 1))["path"], taken);
  }
});

test("on_no_connector: 503 while nobody is connected", async (t) => {
  const { relay, send } = await startWith(t, { on_no_connector: "503" });
  const alone = await send({ body: "x" });
  assert.deepEqual([alone.status, alone.headers.get("retry-after")], [503, "5"]);
  const { frame } = await openSocket(t, relay);
  await frame(0);
  assert.equal((await send({ body: "x" })).status, 202);
});

test("on_no_connector: one that polls is there between two polls, too, and while it works on what one brought", async (t) => {
  const clock = new ManualClock();
  const relay = await startDevRelay(t, {}, {
    policies: new Map([["hook", policySchema.parse({ on_no_connector: "503" })]]),
    clock,
  });
  const send = async () => {
    const response = await fetch(`${relay.url}/webhook/hook`, { method: "POST", body: "x" });
    return { status: response.status, ...await response.json() as { message_id?: string } };
  };
  const headers = { Authorization: "Bearer s3cret", "X-Connector-ID": "c" };
  const channel = relay.registry.named("dev")?.channel;
  const poll = async () => {
    const response = await fetch(`${relay.url}/connect/stream/dev/poll?timeout=30`, { headers });
    return (await response.json() as { connection_id: string }).connection_id;
  };
  const ack = async (connectionId: string, messageId = "") => {
    const url = `${relay.url}/connect/ack?message_id=${messageId}`;
    const response = await fetch(url, {
      method: "POST",
      headers: { ...headers, "X-Connection-ID": connectionId },
    });
    assert.equal(response.status, 200, await response.text());
  };
  const polled = poll();
  await turnsUntil(() => channel?.openCount === 1);
  const first = await send();
  assert.equal(first.status, 202);
  const connection = await polled;
  assert.equal(channel?.openCount, 0);
  await clock.advance(20_000);
  const second = await send();
  assert.equal(second.status, 202, "it works on what it got");
  await ack(connection, first.message_id);
  assert.equal((await send()).status, 503, "it has not polled for twenty seconds");
  await ack(await poll(), second.message_id);
  await clock.advance(9_000);
  assert.equal((await send()).status, 202, "it will poll again");
  await clock.advance(1_000);
  assert.equal((await send()).status, 503);
});

test("a method that no target gets is answered 405, any other goes on", async (t) => {
  const { relay, queued } = await startWith(t, {});
  const { frame } = openSocket(t, relay, {
    Authorization: "Bearer s3cret",
    "X-Connector-Capabilities": "exact-body",
  });
  const ask = async (method: string) => {
    const client = await openRaw(t, relay.url, postHead(0).replace("POST", method));
    return await client.answered(/\}$/);
  };
  const refused = await ask("TRACE");
  assert.match(refused, /^HTTP\/1.1 405 /);
  assert.match(refused, /^allow: POST, /im);
  assert.equal(queued(), 0);
  for (const [n, method] of ["DELETE", "M-SEARCH", "PROPFIND"].entries()) {
    assert.match(await ask(method), /^HTTP\/1.1 202 /);
    const { type, method: carried } = await frame(n + 1);
    assert.deepEqual([type, carried], ["webhook", method]);
  }
});

test("what a sender's Connection names is for that connection alone", async (t) => {
  const { relay } = await startWith(t, {});
  const { frame } = openSocket(t, relay, {
    Authorization: "Bearer s3cret",
    "X-Connector-Capabilities": "exact-body",
  });
  const head = postHead(0).replace(
    "\r\n\r\n",
    "\r\nConnection: close, X-Hop\r\nX-Hop: secret\r\nX-Stays: 1\r\n\r\n",
  );
  const client = await openRaw(t, relay.url, head);
  assert.match(await client.answered(), /^HTTP\/1.1 202 /);
  const names = ((await frame(1))["raw_headers"] as [string][]).map(([name]) => name.toLowerCase());
  assert.ok(names.includes("x-stays"));
  assert.ok(!names.includes("x-hop") && !names.includes("connection"), String(names));
});

test("a connector that was given a sender's URL is told, and its requests are no webhooks", async (t) => {
  const { relay, queued } = await startWith(t, {});
  const url = `${relay.url}/webhook/hook/connect/stream/dev/sse`;
  const response = await fetch(url, { headers: { "X-Connector-ID": "c" } });
  assert.equal(response.status, 404);
  assert.match(await response.text(), /cloud_url ends before \/webhook\//);
  assert.equal(queued(), 0);
});
