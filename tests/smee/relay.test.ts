/** Our relay as smee.io and gosmee are: read by the real smee-client, and by hand. */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { SmeeClient } from "smee-client";
import type { RelayEvent } from "../../src/relay/relay_events.ts";
import type { Relay } from "../../src/relay/relay.ts";
import { hashOf } from "../../src/relay/tokens.ts";
import { readWebhooksFile } from "../../src/relay/webhooks_file.ts";
import { decodeSmeeEvent } from "../../src/protocol/smee_codec.ts";
import { maxFrameBytes } from "../../src/protocol/limits.ts";
import { SseDecoder } from "../../src/protocol/sse.ts";
import { ManualClock } from "../support/manual_clock.ts";
import { openRaw } from "../support/raw_client.ts";
import { readText, type TextEvent } from "../support/sse_text.ts";
import { publish, startConnector, startDevRelay, startTarget } from "../support/rig.ts";
import { loadSettings } from "../../src/config/load.ts";
import { test, type TestContext } from "../support/test.ts";
import { turnsUntil } from "../support/turns_until.ts";

const accept = { "Accept": "text/event-stream" };
const path = "b3Blbi1zZXNhbWUtb3Blbi1zZXNhbWU";

function startSmeeRelay(t: TestContext, more: Parameters<typeof startDevRelay>[1] = {}) {
  return startDevRelay(t, { smeePathHash: hashOf(path), ...more });
}

async function startClient(t: TestContext, relay: Relay, target: URL): Promise<void> {
  const client = new SmeeClient({
    source: `${relay.url}/smee/${path}`,
    target: target.href,
    logger: { info() {}, error() {} },
    fetch: readingFetch,
  });
  await client.start();
  t.defer(() => client.stop());
}

/** The client leaves the answers of its target unread, which the leak check would tell. */
async function readingFetch(url: string | URL, init: RequestInit): Promise<Response> {
  const response = await fetch(url, init);
  if (init.method !== "POST") return response;
  return new Response(await response.text(), response);
}

function stats(relay: Relay) {
  return relay.registry.named("dev")?.channel.stats;
}

/** Reads the stream by hand until `n` events of webhooks came. */
async function read(url: string, n: number, headers: Record<string, string> = {}) {
  const stop = new AbortController();
  const response = await fetch(url, { headers: { ...accept, ...headers }, signal: stop.signal });
  const decoder = new SseDecoder(maxFrameBytes);
  const events: TextEvent[] = [];
  for await (const chunk of response.body ?? []) {
    events.push(...readText(decoder, chunk as Uint8Array<ArrayBuffer>));
    if (events.filter(({ event }) => event === "message").length >= n) break;
  }
  stop.abort();
  return events;
}

test("the real smee-client forwards what is posted to our relay: body, headers and query", async (t) => {
  const relay = await startSmeeRelay(t);
  const target = await startTarget(t);
  await startClient(t, relay, target.url);
  const body = JSON.stringify({ action: "opened", title: "é 😀", n: [1, null] });
  const posted = await fetch(`${relay.url}/webhook/hook?a=1&b=x%20y`, {
    method: "POST",
    body,
    headers: { "Content-Type": "application/json", "X-GitHub-Event": "issues" },
  });
  await posted.body?.cancel();
  await target.arrived(1);
  const [got] = target.got;
  assert.equal(Buffer.from(got?.body ?? "").toString(), body);
  assert.equal(got?.headers["x-github-event"], "issues");
  assert.equal(got?.url, "/hooks?a=1&b=x+y");
  await turnsUntil(() => stats(relay)?.delivered === 1);
});

test("what came while no smee-client was there waits for it", async (t) => {
  const relay = await startSmeeRelay(t);
  for (const n of [1, 2, 3]) await publish(relay, `{"n":${n}}`);
  const target = await startTarget(t);
  await startClient(t, relay, target.url);
  await target.arrived(3);
  await turnsUntil(() => stats(relay)?.delivered === 3);
  const events = target.got.map(({ body }) => Buffer.from(body).toString()).sort();
  assert.deepEqual(events, ['{"n":1}', '{"n":2}', '{"n":3}']);
});

test("off by default, and nowhere but at the path that the file gives", async (t) => {
  const without = await startDevRelay(t);
  const relay = await startSmeeRelay(t);
  const { smeePathHash } = readWebhooksFile(JSON.stringify({
    hook: {
      module: "webhook_connect",
      channel: "dev",
      channel_token: "s3cret",
      smee_path: path,
    },
  })).channels[0] ?? {};
  assert.equal(smeePathHash, hashOf(path));
  for (
    const url of [
      `${without.url}/smee/${path}`,
      `${without.url}/smee/undefined`,
      `${relay.url}/smee/dev`,
      `${relay.url}/smee/s3cret`,
      `${relay.url}/smee/${hashOf(path)}`,
      `${relay.url}/smee/events/${path}x`,
    ]
  ) {
    const response = await fetch(url);
    assert.equal(response.status, 404, url);
    await response.body?.cancel();
  }
});

for (const smee_path of ["short", "with a space and long enough", `${path}/..`]) {
  test(`smee_path ${JSON.stringify(smee_path)} is refused`, () => {
    const entry = { module: "webhook_connect", channel: "c", channel_token: "t", smee_path };
    assert.throws(
      () => readWebhooksFile(JSON.stringify({ hook: entry })),
      /hook\.smee_path: use 22 to 128 random letters/,
    );
  });
}

test("who only looks at the URL, as with a browser, is given no message", async (t) => {
  const relay = await startSmeeRelay(t);
  await publish(relay, "1");
  for (const headers of [{}, { Accept: "text/html,*/*" }]) {
    const response = await fetch(`${relay.url}/smee/${path}`, { headers });
    assert.equal(response.status, 406);
    assert.match(await response.text(), /Accept: text\/event-stream/);
  }
  assert.equal(stats(relay)?.queued, 1);
});

test("below /events/, and to gosmee, the bytes are exact", async (t) => {
  const relay = await startSmeeRelay(t);
  const body = randomBytes(3_000);
  for (
    const [url, headers] of [
      [`${relay.url}/smee/events/${path}`, {}],
      [`${relay.url}/smee/${path}`, { "User-Agent": "gosmee/0.1" }],
    ] as const
  ) {
    await fetch(`${relay.url}/webhook/hook`, { method: "POST", body, headers: { "X-A": "b" } })
      .then((response) => response.body?.cancel());
    const events = await read(url, 1, headers);
    assert.deepEqual(events.map(({ event }) => event), ["ready", "message"]);
    const frame = decodeSmeeEvent(events[1]?.data ?? "", { webhookId: "w", sequence: 1, now: 0 });
    assert.ok(frame?.type === "webhook");
    assert.deepEqual(Buffer.from(frame.envelope.body), body);
    assert.ok(frame.envelope.headers.some(([name, value]) => name === "x-a" && value === "b"));
    assert.ok(Date.parse(frame.envelope.receivedAt) > 1e12);
  }
});

test("our own connector reads the stream of our own relay, byte for byte", async (t) => {
  const relay = await startSmeeRelay(t);
  const target = await startTarget(t);
  const run = startConnector(
    t,
    loadSettings({
      file: undefined,
      env: {},
      flags: {
        source: "smee",
        cloud_url: `${relay.url}/smee/${path}`,
        target_url: target.url.href,
      },
    }).settings,
  );
  await run.happened("stream.connected");
  await publish(relay, '{ "spaced":  1.10 }\r\n');
  await target.arrived(1);
  assert.equal(Buffer.from(target.got[0]?.body ?? "").toString(), '{ "spaced":  1.10 }\r\n');
});

test("a reader that reads nothing takes only what its window holds; the rest waits for the others", async (t) => {
  const events: RelayEvent[] = [];
  const relay = await startDevRelay(
    t,
    { smeePathHash: hashOf(path) },
    { observe: (event) => events.push(event) },
  );
  const stop = new AbortController();
  const stalled = await fetch(`${relay.url}/smee/${path}`, {
    headers: accept,
    signal: stop.signal,
  });
  // More than the buffers of the sockets hold.
  const posted = 30;
  const body = JSON.stringify("x".repeat(1_000_000));
  for (let n = 0; n < posted; n++) await publish(relay, body);
  const delivered = await settled(relay);
  assert.equal(stats(relay)?.inFlight, 8);
  assert.equal(stats(relay)?.queued, posted - 8 - delivered);
  assert.ok(delivered < posted - 8, String(delivered));
  stop.abort();
  await stalled.body?.cancel().catch(() => {});
  await turnsUntil(() => events.some(({ type }) => type === "relay.disconnected"));
  const rest = posted - delivered;
  await turnsUntil(() => stats(relay)?.queued === rest);
  await read(`${relay.url}/smee/${path}`, rest);
});

/** How many are delivered when that changes no more while the relay answers other requests. */
async function settled(relay: Relay): Promise<number> {
  for (;;) {
    const before = stats(relay)?.delivered ?? 0;
    for (let n = 0; n < 20; n++) await (await fetch(`${relay.url}/healthz`)).text();
    if (before === stats(relay)?.delivered) return before;
  }
}

test("a reader so slow that leases end before their turn comes gets every message once", async (t) => {
  const clock = new ManualClock(Date.now());
  const ackTimeoutMs = 10_000;
  let handedOut = 0;
  const relay = await startDevRelay(t, { smeePathHash: hashOf(path), ackTimeoutMs }, {
    clock,
    observe: ({ type }) => type === "relay.handed_out" && handedOut++,
  });
  const reader = await openRaw(
    t,
    relay.url,
    `GET /smee/${path} HTTP/1.1\r\nHost: a\r\nAccept: text/event-stream\r\n\r\n`,
  );
  await reader.answered(/event: ready/);
  reader.pause();
  const body = JSON.stringify("x".repeat(3_000_000)); // the sockets hold two or three of them
  for (let n = 1; n <= 8; n++) await publish(relay, body);
  await settled(relay);
  for (let times = 1; times <= 2; times++) {
    const { inFlight = 0 } = stats(relay) ?? {};
    assert.ok(inFlight >= 4, `${inFlight} are unread`);
    const again = handedOut + inFlight;
    await clock.advance(ackTimeoutMs);
    await turnsUntil(() => handedOut === again);
  }
  const all = reader.answered();
  reader.resume();
  await turnsUntil(() => stats(relay)?.delivered === 8);
  await publish(relay, "the last");
  await turnsUntil(() => stats(relay)?.delivered === 9);
  await relay.stop(1_000);
  const ids = [...(await all).matchAll(/^id: (\d+)$/gm)].map(([, id]) => id);
  assert.deepEqual(ids, ["1", "2", "3", "4", "5", "6", "7", "8", "9"]);
});

test("a reader that has stopped reading is given up after three ack timeouts: the next one gets it all", async (t) => {
  const events: RelayEvent[] = [];
  const relay = await startDevRelay(
    t,
    { smeePathHash: hashOf(path), ackTimeoutMs: 300, maxConnections: 1 },
    { observe: (event) => events.push(event) },
  );
  const stalled = await fetch(`${relay.url}/smee/${path}`, { headers: accept });
  t.defer(() => stalled.body?.cancel());
  const posted = 30;
  const body = JSON.stringify("x".repeat(1_000_000));
  for (let n = 0; n < posted; n++) await publish(relay, body);
  await turnsUntil(() => events.some(({ type }) => type === "relay.disconnected"));
  const { delivered = 0 } = stats(relay) ?? {};
  await read(`${relay.url}/smee/${path}`, posted - delivered);
});

test("a channel that is full refuses, a rotated token ends no smee stream, a stopping relay does", async (t) => {
  const relay = await startSmeeRelay(t, { maxConnections: 1 });
  const response = await fetch(`${relay.url}/smee/${path}`, { headers: accept });
  const refused = await fetch(`${relay.url}/smee/${path}`, { headers: accept });
  assert.equal(refused.status, 429);
  await refused.body?.cancel();
  const registered = relay.registry.named("dev");
  assert.ok(registered);
  await relay.registry.rotate(registered, 0);
  assert.equal(registered.channel.subscribers[0]?.protocol, "smee");
  const ended = response.text();
  await relay.stop(1_000);
  assert.match(await ended, /^event: ready\ndata: \{\}\n\n$/);
});
