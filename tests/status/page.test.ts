/** The page as HTML, and who may do what; the browser is in tests/browser. */
import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { join } from "node:path";
import { maxViewers } from "../../src/page/live.ts";
import { Sessions } from "../../src/page/sessions.ts";
import { TargetList } from "../../src/status/target_list.tsx";
import { startOldRelay } from "../support/old_relay.ts";
import { publish, settings, startDevRelay, startTarget } from "../support/rig.ts";
import { ManualClock } from "../support/manual_clock.ts";
import { test, type TestContext } from "../support/test.ts";
import { turnsUntil } from "../support/turns_until.ts";
import { startWatchedConnector } from "../support/watched_connector.ts";

const sameSite = { "Sec-Fetch-Site": "same-origin" };

async function start(
  t: TestContext,
  { status = 200, more = {}, open = false, hasToken = true, folder }: {
    status?: number;
    more?: Record<string, unknown>;
    open?: boolean;
    hasToken?: boolean;
    folder?: string;
  } = {},
) {
  const answer = { status };
  const target = await startTarget(t, () => answer.status);
  const relay = await startDevRelay(t);
  const given = settings(relay.url, target.url, "sse", more);
  const { url } = await startWatchedConnector(t, given, {
    ...(hasToken && { token: "t0ken" }),
    open,
    folder,
  });
  const get = async (path: string, cookie = "") => {
    const response = await fetch(url + path, { headers: { Cookie: cookie } });
    return { status: response.status, headers: response.headers, text: await response.text() };
  };
  const post = async (path: string, headers: Record<string, string>, body = "") => {
    const type = { "Content-Type": "application/x-www-form-urlencoded" };
    const response = await fetch(url + path, {
      method: "POST",
      redirect: "manual",
      headers: { ...type, ...headers },
      body,
    });
    await response.body?.cancel();
    const cookie = response.headers.get("set-cookie") ?? "";
    return { status: response.status, to: response.headers.get("location"), cookie };
  };
  const signIn = async () => {
    const { cookie } = await post("/-/session", sameSite, "token=t0ken");
    return cookie.split(";", 1)[0] ?? "";
  };
  /** Until the page says so. */
  const shows = (path: string, pattern: RegExp) => polled(() => get(path), pattern);
  return { url, relay, target, answer, get, post, signIn, shows };
}

async function polled(get: () => Promise<{ text: string }>, pattern: RegExp): Promise<string> {
  for (;;) {
    const { text } = await get();
    if (pattern.test(text)) return text;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

test("the page has a strict policy, its own script and style, and nothing from elsewhere", async (t) => {
  const { get, url } = await start(t);
  const { status, headers, text } = await get("/");
  assert.equal(status, 200);
  const policy = headers.get("content-security-policy") ?? "";
  for (
    const rule of [
      ...["default-src 'none'", "script-src 'self'", "style-src 'self'", "connect-src 'self'"],
      ...["img-src 'self' data:", "form-action 'self'", "frame-ancestors 'none'"],
      "base-uri 'none'",
    ]
  ) {
    assert.ok(policy.split("; ").includes(rule), rule);
  }
  assert.doesNotMatch(policy, /unsafe/);
  assert.equal(headers.get("cache-control"), "no-store");
  assert.equal(headers.get("x-content-type-options"), "nosniff");
  assert.doesNotMatch(text, /<style|<script>|\son\w+=|\sstyle=/);
  for (const [, path = ""] of text.matchAll(/(?:src|href)="(\/assets[^"]+)"/g)) {
    const asset = await fetch(url + path);
    assert.equal(asset.status, 200, path);
    assert.match(asset.headers.get("content-type") ?? "", /^text\/(css|javascript); charset=utf-8/);
    assert.ok((await asset.text()).length > 100);
  }
  assert.doesNotMatch(text.replace(/data:image\/svg[^"]*/, ""), /(src|href)="(https?:)?\/\//);
});

test("without a script the page tells the state, the targets and the last messages", async (t) => {
  const { get, relay, shows } = await start(t);
  const id = await publish(relay, "hello");
  const text = await shows("/", new RegExp(`id="m-${id}"[^]*?delivered[^]*?</tr>`));
  assert.match(text, /Connected<\/h1>/);
  assert.match(text, /over server-sent events for/);
  assert.match(text, /aria-label="Delivered per second/);
  assert.match(text, /default<span class="under">http:\/\/127\.0\.0\.1:\d+\/hooks/);
  assert.match((await get(`/messages/${id}`)).text, /Attempts<\/h2>[^]*200/);
  assert.equal((await get("/messages/none")).status, 404);
});

test("a target that refuses every webhook answers: it is not as if it had not been tried", async (t) => {
  const { get, relay, shows } = await start(t, { status: 404 });
  assert.match((await get("/")).text, /not tried yet/);
  await publish(relay, "x");
  assert.doesNotMatch(await shows("/", />answers</), /not tried yet/);
});

/** A connector whose first message is at its target, which waits with that answer; the relay can send it once more. */
async function startWithOneAtTarget(t: TestContext) {
  let answer = (_status: number) => {};
  const target = await startTarget(
    t,
    (n) => n === 1 ? new Promise((resolve) => answer = resolve) : 200,
  );
  const relay = await startOldRelay(t);
  const { url } = await startWatchedConnector(t, settings(relay.url, target.url, "sse"));
  const id = relay.publish("first");
  await target.arrived(1);
  const [stream] = relay.streams;
  const message = stream?.inFlight.get(id);
  assert.ok(stream && message);
  return { relay, url, id, answer, comesAgain: () => stream.send(message) };
}

test("received and delivered add up: copies that came again are told beside them", async (t) => {
  const { url, answer, comesAgain } = await startWithOneAtTarget(t);
  comesAgain();
  const get = async () => ({ text: await (await fetch(url)).text() });
  await polled(get, />0<[^>]*><[^>]*>2 received, 1 duplicate</);
  answer(200);
  await polled(get, />1<[^>]*><[^>]*>2 received, 1 duplicate</);
});

test("a copy of what is not among the last messages any more stands as that had ended", async (t) => {
  const { relay, url, id, answer, comesAgain } = await startWithOneAtTarget(t);
  answer(200);
  const get = async () => ({ text: await (await fetch(`${url}/messages/${id}`)).text() });
  await polled(get, />Took<[^]*>Relay told<[^]*>ack</);
  for (let n = 0; n < 200; n++) relay.publish("another");
  await polled(get, /No such message/);
  comesAgain();
  const page = await polled(get, />Relay told<[^]*>ack</);
  assert.match(page, /class="badge good">delivered</);
  assert.doesNotMatch(page, />Took<|in hand/);
});

test("a target that is slow has as many waiting as it cannot take yet", async (t) => {
  const answers: (() => void)[] = [];
  const target = await startTarget(
    t,
    () => new Promise((resolve) => answers.push(() => resolve(200))),
  );
  const relay = await startDevRelay(t);
  const given = settings(relay.url, target.url, "websocket", { max_concurrent_requests: 1 });
  const { url } = await startWatchedConnector(t, given);
  const get = async () => ({ text: await (await fetch(url)).text() });
  const row = (inFlight: number, waiting: number) =>
    new RegExp(`<td class="number">${inFlight}</td><td class="number wide">${waiting}</td>`);
  for (const body of ["a", "b", "c"]) await publish(relay, body);
  await polled(get, row(1, 2));
  answers.shift()?.();
  await target.arrived(2);
  await polled(get, row(1, 1));
});

test("what was given back to the relay is told beside what was received: they add up", async (t) => {
  const { relay, shows } = await start(t, {
    status: 503,
    more: {
      default_target: { retry_max_attempts: 1, breaker: { consecutive_failures: 1, max_held: 1 } },
    },
  });
  await publish(relay, "fails");
  await shows("/", /breaker open/);
  await publish(relay, "is held");
  await publish(relay, "finds no room");
  await shows("/", />0<[^>]*><[^>]*>\d+ received, \d+ given back</);
});

test("a target whose breaker is half open is probed while a webhook is there for it", () => {
  const breaker = "half_open" as const;
  const failures = { failures_in_a_row: 3, last_failure: "503", last_success_at: null };
  const target = { tried: true, breaker, ...failures };
  const badge = (inFlight: number, waiting: number) => {
    const load = { name: "default", url: "http://127.0.0.1:8080", inFlight, waiting, held: 0 };
    const list = TargetList({ status: { targets: { default: target } }, loads: [load] });
    return /<span class="badge[^>]*>([^<]+)</.exec(String(list))?.[1];
  };
  assert.equal(badge(0, 0), "tries the next one");
  assert.equal(badge(1, 0), "probing");
  assert.equal(badge(0, 1), "probing");
});

test("what a sender or a target says is text on the page, never markup", async (t) => {
  const { relay, shows } = await start(t, {
    status: 422,
    open: true,
    more: { inspect: true },
  });
  const id = await publish(relay, "<script>alert(1)</script>");
  const text = await shows(`/messages/${id}`, /&lt;script&gt;alert\(1\)/);
  assert.doesNotMatch(text, /<script>/);
});

test("requests and responses are shown to those who have signed in, and only with inspect", async (t) => {
  const { get, relay, shows, signIn } = await start(t, { more: { inspect: true } });
  const id = await publish(relay, "the body");
  await shows(`/messages/${id}`, /delivered/);
  const out = await get(`/messages/${id}`);
  assert.doesNotMatch(out.text, /the body/);
  assert.match(out.text, /Sign in<\/a> to see them/);
  const { text } = await get(`/messages/${id}`, await signIn());
  for (const part of ["As received", "As sent", "Response", "the body"]) {
    assert.ok(text.includes(part), part);
  }
  const off = await start(t);
  const other = await publish(off.relay, "the body");
  await off.shows(`/messages/${other}`, /delivered/);
  const shown = await off.get(`/messages/${other}`, await off.signIn());
  assert.match(shown.text, /are not kept/);
  assert.doesNotMatch(shown.text, /the body/);
});

test("signing in: the token once, then a cookie that scripts and other sites do not get, until signed out", async (t) => {
  const { get, post, signIn } = await start(t);
  assert.equal((await post("/-/session", sameSite, "token=wrong")).status, 401);
  assert.equal((await post("/-/session", sameSite)).status, 401);
  const { status, to, cookie } = await post("/-/session", sameSite, "token=t0ken");
  assert.deepEqual([status, to], [303, "/"]);
  assert.match(
    cookie,
    /^hookferry_\d+=[\w-]{32}; Max-Age=28800; Path=\/; HttpOnly; SameSite=Strict$/,
  );
  const session = await signIn();
  assert.match((await get("/", session)).text, /Sign out/);
  assert.match((await get("/")).text, /Sign in/);
  await post("/-/session/end", { ...sameSite, Cookie: session });
  assert.match((await get("/", session)).text, /Sign in/);
});

test("after ten wrong tokens none of that client is looked at for a while, the right one neither", async (t) => {
  const { post } = await start(t);
  for (let i = 0; i < 10; i++) {
    assert.equal((await post("/-/session", sameSite, "token=wrong")).status, 401);
  }
  assert.equal((await post("/-/session", sameSite, "token=t0ken")).status, 429);
});

test("a session lasts eight hours; a hundred are kept", async () => {
  const clock = new ManualClock();
  const sessions = new Sessions(clock);
  const first = sessions.open();
  await clock.advance(8 * 3_600_000 - 1);
  assert.equal(sessions.has(first), true);
  await clock.advance(1);
  assert.equal(sessions.has(first), false);
  const second = sessions.open();
  for (let i = 0; i < 100; i++) sessions.open();
  assert.equal(sessions.has(second), false);
});

const forms = ["/-/form/pause", "/-/form/resume", "/-/form/replay/x", "/-/session"];
for (const path of forms) {
  test(`a form of another site does nothing, signed in or not: ${path}`, async (t) => {
    const { post, signIn, url } = await start(t);
    const Cookie = await signIn();
    const { port } = new URL(url);
    for (
      const headers of [
        { "Sec-Fetch-Site": "cross-site", Origin: url },
        { "Sec-Fetch-Site": "same-site", Origin: url },
        { "Sec-Fetch-Site": "none" },
        { Origin: "http://evil.example" },
        { Origin: "null" },
        { Origin: `http://127.0.0.1.evil.example:${port}` },
        {},
      ] as Record<string, string>[]
    ) {
      const answer = await post(path, { ...headers, Cookie }, "token=t0ken");
      assert.deepEqual([answer.status, answer.cookie], [403, ""], JSON.stringify(headers));
    }
  });
}

test("a form without a session leads to the sign-in, where there is no token nowhere; the connector goes on", async (t) => {
  const { post, get, url } = await start(t);
  const answer = await post("/-/form/pause", sameSite);
  assert.deepEqual([answer.status, answer.to], [303, "/-/session"]);
  assert.equal((await post("/-/form/pause", { ...sameSite, Cookie: "hookferry_x=y" })).status, 303);
  assert.equal((await (await fetch(`${url}/status`)).json()).paused, false);
  assert.match((await get("/-/session")).text, /It is in the test/);
  const off = await start(t, { hasToken: false });
  assert.equal((await off.post("/-/form/pause", sameSite)).status, 403);
  assert.equal((await off.post("/-/session", sameSite, "token=undefined")).status, 403);
});

test("signed in, pause and resume do so, by what the browser says of the form or by its origin", async (t) => {
  const { post, signIn, url, shows } = await start(t);
  const Cookie = await signIn();
  const paused = async () => (await (await fetch(`${url}/status`)).json()).paused;
  assert.equal((await post("/-/form/pause", { ...sameSite, Cookie })).to, "/?did=paused");
  assert.equal(await paused(), true);
  await shows("/", /Paused<\/h1>/);
  assert.equal((await post("/-/form/resume", { Origin: url, Cookie })).to, "/?did=resumed");
  assert.equal(await paused(), false);
});

test("a dead letter is listed for those who have signed in, and replayed by its button", async (t) => {
  const { get, post, signIn, relay, answer, shows, target } = await start(t, { status: 422 });
  const id = await publish(relay, "again");
  await shows(`/messages/${id}`, /dead letter/);
  assert.doesNotMatch((await get("/")).text, /Replay/);
  const Cookie = await signIn();
  assert.match((await get("/", Cookie)).text, new RegExp(`action="/-/form/replay/${id}"`));
  const again = await post(`/-/form/replay/${id}`, { ...sameSite, Cookie });
  assert.equal(again.to, `/messages/${id}?did=failed`);
  answer.status = 200;
  const { to } = await post(`/-/form/replay/${id}`, { ...sameSite, Cookie });
  assert.equal(to, `/messages/${id}?did=delivered`);
  assert.match((await get(to ?? "")).text, /Replayed: it is delivered/);
  assert.equal(target.got.length, 3);
  assert.match((await post(`/-/form/replay/${id}`, { ...sameSite, Cookie })).to ?? "", /did=gone/);
});

test("with inspect a message that was delivered has the button too, and the target gets it once more", async (t) => {
  const { get, post, signIn, relay, shows, target } = await start(t, { more: { inspect: true } });
  const id = await publish(relay, "once more");
  await shows(`/messages/${id}`, /delivered/);
  const Cookie = await signIn();
  assert.match(
    (await get(`/messages/${id}`, Cookie)).text,
    new RegExp(`action="/-/form/replay/${id}"`),
  );
  const { to } = await post(`/-/form/replay/${id}`, { ...sameSite, Cookie });
  assert.equal(to, `/messages/${id}?did=delivered`);
  assert.deepEqual(target.got.map(({ body }) => String(body)), ["once more", "once more"]);
});

test("programs still show the token to the control routes, and a cookie is nothing to them", async (t) => {
  const { url, signIn } = await start(t);
  const ask = async (headers: Record<string, string>) => {
    const response = await fetch(`${url}/-/dead-letters`, { headers });
    await response.body?.cancel();
    return response.status;
  };
  assert.equal(await ask({ Authorization: "Bearer t0ken" }), 200);
  assert.equal(await ask({ Cookie: await signIn() }), 401);
});

test("an open server lets everybody do everything, but no other site", async (t) => {
  const { get, post } = await start(t, { open: true });
  assert.doesNotMatch((await get("/")).text, /Sign in/);
  assert.equal((await post("/-/form/pause", sameSite)).status, 303);
  assert.equal((await post("/-/form/pause", { Origin: "http://evil.example" })).status, 403);
});

test("the page of a relay is for this machine; behind a proxy or under another name it is not there", async (t) => {
  const relay = await startDevRelay(t, {}, { adminToken: "adm1n" });
  const get = async (path: string, headers: Record<string, string> = {}) => {
    const response = await fetch(relay.url + path, { headers });
    return { status: response.status, text: await response.text() };
  };
  await publish(relay, "waits");
  const { status, text } = await get("/");
  assert.equal(status, 200);
  assert.match(text, /Takes webhooks<\/h1>/);
  assert.match(text, /dev<span class="under">hook<\/span>/);
  for (
    const headers of [
      { "X-Forwarded-For": "192.0.2.1" },
      { Forwarded: "for=192.0.2.1" },
      { "X-Real-IP": "192.0.2.1" },
      { Via: "1.1 proxy" },
    ] as Record<string, string>[]
  ) {
    for (const path of ["/", "/live"]) {
      const answer = await get(path, headers);
      assert.equal(answer.status, 404, JSON.stringify(headers));
      assert.doesNotMatch(answer.text, /dev|channel/i);
    }
  }
  const signedIn = await fetch(`${relay.url}/-/session`, {
    method: "POST",
    redirect: "manual",
    headers: { ...sameSite, "Content-Type": "application/x-www-form-urlencoded" },
    body: "token=adm1n",
  });
  await signedIn.body?.cancel();
  const Cookie = (signedIn.headers.get("set-cookie") ?? "").split(";", 1)[0] ?? "";
  assert.equal((await get("/", { "X-Forwarded-For": "192.0.2.1", Cookie })).status, 200);
});

test("a relay without an admin token has no sign-in", async (t) => {
  const relay = await startDevRelay(t);
  const response = await fetch(`${relay.url}/-/session`);
  await response.body?.cancel();
  assert.equal(response.status, 404);
});

/** What comes to a page that is open. */
async function follow(t: TestContext, url: string, cookie = "") {
  const { headers, body } = await fetch(`${url}/live?since=0`, { headers: { Cookie: cookie } });
  const reader = body!.pipeThrough(new TextDecoderStream()).getReader();
  let heard = "";
  const reading = (async () => {
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      heard += value;
    }
  })();
  t.defer(async () => {
    await reader.cancel();
    await reading;
  });
  return { headers, heard: () => heard };
}

test("a page that is open hears the state and each message that changed", async (t) => {
  const { url, relay } = await start(t);
  const { headers, heard } = await follow(t, url);
  assert.equal(headers.get("cache-control"), "no-store");
  assert.match(headers.get("content-type") ?? "", /^text\/event-stream/);
  const id = await publish(relay, "news");
  await turnsUntil(() => new RegExp(`event: message\ndata: .*${id}.*delivered`).test(heard()));
  assert.match(heard(), /event: state\ndata: \{"run":"[-\w]+","sections":\{"state":/);
});

test("a page that is open hears of dead letters until its reader has signed out; then it is to begin anew", async (t) => {
  const { url, relay, get, post, signIn } = await start(t, { status: 422 });
  const Cookie = await signIn();
  const [own, other] = [await follow(t, url, Cookie), await follow(t, url)];
  const run = async (cookie = "") =>
    /data-run="[^"]+"/.exec((await get("/", cookie)).text)?.[0].slice("data-".length);
  const [runIn, runOut] = [await run(Cookie), await run()];
  assert.notEqual(runIn, runOut);
  const heardRun = (name = "") => `{"${name.replace("=", '":')},"sections"`;
  await turnsUntil(() => own.heard().includes(heardRun(runIn)));
  assert.match(own.heard(), /"letters":""/);
  const id = await publish(relay, "refused");
  await turnsUntil(() => own.heard().includes(`/-/form/replay/${id}`));
  await post("/-/session/end", { ...sameSite, Cookie });
  await turnsUntil(() => own.heard().includes(heardRun(runOut)));
  const after = own.heard().slice(own.heard().indexOf(heardRun(runOut)));
  for (const heard of [after, other.heard()]) assert.doesNotMatch(heard, /"letters"|replay/);
});

test("to ask for the head of what keeps a page up to date takes no page's place", async (t) => {
  const { url } = await start(t);
  for (let n = 0; n < maxViewers; n++) {
    const head = await fetch(`${url}/live`, { method: "HEAD" });
    assert.equal(head.status, 200);
    assert.match(head.headers.get("content-type") ?? "", /^text\/event-stream/);
  }
  const response = await fetch(`${url}/live`);
  await response.body?.cancel();
  assert.equal(response.status, 200);
});

test("a replay that the journal cannot note is answered with a page that says so", async (t) => {
  const folder = t.folder();
  const { url, relay, answer, target, signIn, shows } = await start(t, { status: 422, folder });
  const id = await publish(relay, "refused");
  await shows("/", /rejected/);
  const other = new DatabaseSync(join(folder, "journal.db"));
  t.defer(() => other.close());
  other.exec("BEGIN IMMEDIATE");
  answer.status = 200;
  const response = await fetch(`${url}/-/form/replay/${id}`, {
    method: "POST",
    headers: { ...sameSite, Cookie: await signIn() },
  });
  assert.equal(response.status, 503);
  assert.match(await response.text(), /<p class="problem">[^<]*database is locked/);
  assert.equal(target.got.length, 2);
  other.exec("ROLLBACK");
});

test("a journal that cannot be read takes no page away: they say so in place of the dead letters", async (t) => {
  const folder = t.folder();
  const { url, get, relay, signIn, shows } = await start(t, { status: 422, folder });
  const id = await publish(relay, "refused");
  await shows("/", /rejected/);
  const Cookie = await signIn();
  const other = new DatabaseSync(join(folder, "journal.db"));
  t.defer(() => other.close());
  other.exec("ALTER TABLE dead_letter RENAME TO moved");
  const problem = /<p class="problem">[^<]*cannot be read: [^<]*no such table: dead_letter/;
  const overview = await get("/", Cookie);
  assert.equal(overview.status, 200);
  assert.match(overview.text, new RegExp(`Dead letters</h2>[^]*${problem.source}[^]*id="m-${id}"`));
  for (const cookie of [Cookie, ""]) {
    const message = await get(`/messages/${id}`, cookie);
    assert.equal(message.status, 200);
    assert.match(message.text, new RegExp(`rejected[^]*${problem.source}[^]*Attempts</h2>`));
    assert.doesNotMatch(message.text, /Replay/);
  }
  // It may be a dead letter from before.
  assert.match((await get("/messages/of_before", Cookie)).text, problem);
  assert.match((await get("/")).text, /The journal is not available/);
  const { heard } = await follow(t, url, Cookie);
  await turnsUntil(() => /"letters":.*cannot be read/.test(heard()));
  other.exec("ALTER TABLE moved RENAME TO dead_letter");
  await turnsUntil(() => heard().includes(`/-/form/replay/${id}`));
  assert.match((await get("/", Cookie)).text, new RegExp(`/-/form/replay/${id}`));
  assert.match((await get(`/messages/${id}`, Cookie)).text, /Replay/);
});

test("signing in leads back to a page of this server, and to no other one", async (t) => {
  const { post } = await start(t);
  const ways: readonly (readonly [to: string, where: string])[] = [
    ["", "/"],
    ["/messages/msg_1", "/messages/msg_1"],
    ["/messages/a%2Fb%3F", "/messages/a%2Fb%3F"],
    ["//evil.example/x", "/"],
    ["/\t/evil.example", "/"],
    ["/\\evil.example/x", "/"],
    ["https://evil.example/", "/"],
    ["/messages/msg_1\r\nX-Evil: 1", "/"],
  ];
  for (const [to, where] of ways) {
    const form = String(new URLSearchParams({ token: "t0ken", to }));
    assert.equal((await post("/-/session", sameSite, form)).to, where, JSON.stringify(to));
  }
});

test("a dead letter says what it is when its message is not among the last ones any more", async (t) => {
  const { relay, answer, target, get, signIn, shows } = await start(t, { status: 422 });
  const response = await fetch(`${relay.url}/webhook/hook/orders?key=s3cr3t`, { method: "POST" });
  const { message_id: id } = await response.json() as { message_id: string };
  await shows("/", /rejected/);
  answer.status = 200;
  for (let i = 0; i < 200; i++) await publish(relay, "another one");
  await target.arrived(201);
  const cookie = await signIn();
  const read = () => get(`/messages/${id}`, cookie);
  const text = await polled(read, /not among the last messages/);
  assert.match(text, /POST hook\/orders</);
  assert.match(text, /the target answered 422/);
  assert.doesNotMatch(text, /s3cr3t/);
  assert.doesNotMatch((await get(`/messages/${id}`)).text, /orders/);
});
