/** What the page of a relay shows. */
import assert from "node:assert/strict";
import { isDeepStrictEqual } from "node:util";
import { maxViewers } from "../../src/page/live.ts";
import { SseDecoder } from "../../src/protocol/sse.ts";
import { maxFrameBytes } from "../../src/protocol/limits.ts";
import type { Relay } from "../../src/relay/relay.ts";
import { sqliteStores } from "../../src/relay/sqlite/sqlite_stores.ts";
import { ManualClock } from "../support/manual_clock.ts";
import { startNode } from "../support/nats_node.ts";
import { onNats, startNats } from "../support/nats_server.ts";
import { openSocket } from "../support/old_client.ts";
import { publish, startDevRelay } from "../support/rig.ts";
import { readText } from "../support/sse_text.ts";
import { test, type TestContext } from "../support/test.ts";
import { turnsUntil } from "../support/turns_until.ts";

/** A number above the channels, with its mood. */
function figureIn(html: string, name: string): string {
  const figure = new RegExp(
    `<div(?: class="(\\w+)")?><dt>${name}</dt><dd><span class="value">(.*?)<`,
  );
  const [, mood = "", value] = figure.exec(html) ?? [];
  return `${value} ${mood}`.trimEnd();
}

async function pageOf(relay: Relay): Promise<string> {
  return await (await fetch(relay.url)).text();
}

/** An open page: `shows` resolves when its numbers are these, or with what they are after ten more states. */
async function follow(t: TestContext, relay: Relay) {
  const leave = new AbortController();
  const response = await fetch(`${relay.url}/live`, { signal: leave.signal });
  assert.equal(response.status, 200);
  const shown: string[] = [];
  const decoder = new SseDecoder(maxFrameBytes);
  const reading = (async () => {
    for await (const chunk of response.body ?? []) {
      for (const { data } of readText(decoder, chunk)) shown.push(JSON.parse(data).sections.facts);
    }
  })().catch(() => {});
  t.defer(async () => {
    leave.abort();
    await reading;
  });
  return async function shows(figures: Record<string, string>): Promise<void> {
    const now = () =>
      Object.fromEntries(
        Object.keys(figures).map((name) => [name, figureIn(shown.at(-1) ?? "", name)]),
      );
    const end = shown.length + 10;
    await turnsUntil(() => isDeepStrictEqual(now(), figures) || shown.length >= end);
    assert.deepEqual(now(), figures);
  };
}

test("the page tells of the dead letters that are kept: what expired, also after a restart, until they are given out again or purged", async (t) => {
  const clock = new ManualClock(Date.now());
  const stores = sqliteStores({ folder: t.folder(), durability: "full" });
  const start = () =>
    startDevRelay(t, { ttlMs: 30_000 }, { stores, clock, adminToken: "adm1n", heartbeatMs: 1e9 });
  const before = await start();
  assert.equal(figureIn(await pageOf(before), "Dead letters"), "0");
  for (const body of ["1", "2", "3"]) await publish(before, body);
  await clock.advance(30_000);
  assert.equal(figureIn(await pageOf(before), "Dead letters"), "3 bad");
  await before.stop(100);

  const relay = await start();
  const page = await pageOf(relay);
  assert.equal(figureIn(page, "Dead letters"), "3 bad");
  assert.match(page, /<span class="under phone">0 delivered, 3 dead/);
  const channel = relay.registry.named("dev")?.channel;
  const [letter] = await channel?.deadLetters(1) ?? [];
  await channel?.replay([letter?.message.envelope.id ?? ""]);
  assert.equal(figureIn(await pageOf(relay), "Dead letters"), "2 bad");
  await channel?.purgeDeadLetters();
  assert.equal(figureIn(await pageOf(relay), "Dead letters"), "0");
});

test("to ask for the head of what keeps a page up to date takes no page's place", async (t) => {
  const relay = await startDevRelay(t);
  for (let n = 0; n < maxViewers; n++) {
    const head = await fetch(`${relay.url}/live`, { method: "HEAD" });
    assert.equal(head.status, 200);
    assert.match(head.headers.get("content-type") ?? "", /^text\/event-stream/);
  }
  const shows = await follow(t, relay);
  await shows({ "Dead letters": "0" });
});

test("a page that is open is told nothing more when the sign-in has ended", async (t) => {
  const clock = new ManualClock(Date.now());
  const relay = await startDevRelay(t, {}, { clock, adminToken: "adm1n", heartbeatMs: 1e9 });
  // By way of a proxy: of this machine itself everybody may look.
  const ask = (path: string, cookie: string, form?: Record<string, string>) =>
    fetch(relay.url + path, {
      headers: { cookie, "x-forwarded-for": "192.0.2.7", "sec-fetch-site": "same-origin" },
      redirect: "manual",
      ...(form && { method: "POST", body: new URLSearchParams(form) }),
    });
  const unasked = await ask("/live", "");
  assert.equal(unasked.status, 404);
  await unasked.body?.cancel();
  const signedIn = await ask("/-/session", "", { token: "adm1n" });
  await signedIn.body?.cancel();
  const [cookie = ""] = (signedIn.headers.get("set-cookie") ?? "").split(";");
  const open = await ask("/live", cookie);
  assert.equal(open.status, 200);
  const reader = open.body?.getReader();
  assert.match(new TextDecoder().decode((await reader?.read())?.value), /^event: state/);
  await (await ask("/-/session/end", cookie, {})).body?.cancel();
  await clock.advance(1_000);
  assert.deepEqual(await reader?.read(), { done: true, value: undefined });
});

onNats("a channel that other relays serve too is well without a connector here", async (t) => {
  const nats = await startNats(t);
  const { relay, post } = await startNode(t, nats);
  await post("hook", "1");
  const html = await pageOf(relay);
  assert.match(html, /<span class="badge quiet">none here</);
  assert.equal(figureIn(html, "Waiting"), "1");
});

onNats("a page that is open follows what other relays hand out and put away, too", async (t) => {
  const nats = await startNats(t);
  const [here, there] = [await startNode(t, nats), await startNode(t, nats)];
  const shows = await follow(t, here.relay);
  for (const body of ["1", "2", "3"]) await here.post("hook", body);
  await shows({ Waiting: "3" });
  const { frame, say } = openSocket(t, there.relay);
  const ids = [];
  for (let n = 1; n <= 3; n++) ids.push((await frame(n))["message_id"]);
  say({ type: "nack", message_id: ids[0], retry: false });
  for (const message_id of ids.slice(1)) say({ type: "ack", message_id });
  await shows({ Waiting: "0", "Dead letters": "1 bad" });
});

test("who gives wrong tokens keeps nobody else out", async (t) => {
  const relay = await startDevRelay(t, {}, {
    adminToken: "adm1n",
    trustedProxies: ["127.0.0.1"],
  });
  const signIn = async (client: string, token: string) => {
    const response = await fetch(`${relay.url}/-/session`, {
      method: "POST",
      redirect: "manual",
      headers: {
        "Sec-Fetch-Site": "same-origin",
        "X-Forwarded-For": client,
        "Content-Type": "application/x-www-form-urlencoded",
      },
      body: new URLSearchParams({ token }).toString(),
    });
    await response.body?.cancel();
    return response.status;
  };
  for (let n = 0; n < 10; n++) assert.equal(await signIn("203.0.113.5", "wrong"), 401);
  assert.equal(await signIn("203.0.113.5", "adm1n"), 429);
  assert.equal(await signIn("198.51.100.7", "adm1n"), 303);
});
