import assert from "node:assert/strict";
import { options } from "../../src/config/options.ts";
import type { Exchange } from "../../src/observe/picture.ts";
import { keepExchanges } from "../../src/observe/exchanges.ts";
import { redactBy } from "../../src/protocol/redact.ts";
import { httpSink } from "../../src/sink/http.ts";
import { systemClock } from "../../src/async/clock.ts";
import { settings, startTarget } from "../support/rig.ts";
import { test } from "../support/test.ts";

const rules = String(options.find(({ key }) => key === "inspect_redact")?.default);
const bytes = (text: string) => new TextEncoder().encode(text);
const text = (body: Uint8Array) => new TextDecoder().decode(body);

function exchange(id: string, more: Partial<Exchange> = {}): Exchange {
  const body = bytes("hello");
  return {
    envelope: {
      ...{ id, webhookId: "hook", sequence: 1, receivedAt: "", method: "POST" },
      path: "/a?token=hush&x=1",
      headers: [["X-Hub-Signature-256", "hush"], ["Content-Type", "text/plain"]],
      body,
    },
    target: "default",
    attempt: 1,
    request: {
      ...{ method: "PUT", origin: "http://t:1", path: "/hooks/a?token=hush", body },
      headers: [["Authorization", "hush"]],
    },
    response: {
      ...{ status: 200, body: bytes("done"), bytes: 4 },
      headers: [["Set-Cookie", "hush"], ["Server", "x"]],
    },
    ...more,
  };
}

for (
  const [name, isHidden] of [
    ["Authorization", true],
    ["proxy-authorization", true],
    ["COOKIE", true],
    ["X-Gitlab-Token", true],
    ["X-Api-Key", true],
    ["Stripe-Signature", true],
    ["X-Client-Secret", true],
    ["Content-Type", false],
    ["X-Webhook-ID", false],
    ["X-Kind-Of-Author", false],
  ] as const
) {
  test(`by itself the header ${name} is ${isHidden ? "hidden" : "shown"}`, () => {
    const [[, value] = []] = redactBy(rules).headers([[name, "v"]]);
    assert.equal(value, isHidden ? "[redacted]" : "v");
  });
}

test("the rules are the operator's: other names, nothing but what is named, or nothing at all", () => {
  const own = redactBy(" x-customer , x-*.id");
  assert.deepEqual(own.headers([["X-Customer", "a"], ["x-q.id", "b"], ["x-qZid", "c"]]), [
    ...[["X-Customer", "[redacted]"], ["x-q.id", "[redacted]"], ["x-qZid", "c"]],
  ]);
  assert.deepEqual(redactBy("").headers([["Cookie", "a"]]), [["Cookie", "a"]]);
  assert.equal(redactBy(rules).path("/a?%74oken=s&b=%zz&c"), "/a?%74oken=[redacted]&b=%zz&c");
});

test("what is hidden is not kept: not in what came, what was sent, nor what was answered", () => {
  const kept = keepExchanges({ maxMessages: 10, redact: redactBy(rules) });
  kept.record(exchange("m"));
  const found = kept.of("m");
  assert.doesNotMatch(JSON.stringify(found), /hush/);
  assert.equal(found?.received.line, "POST /a?token=[redacted]&x=1");
  assert.equal(found?.sent[0]?.request.line, "PUT http://t:1/hooks/a?token=[redacted]");
  assert.equal(text(found?.sent[0]?.response?.body.bytes ?? bytes("")), "done");
});

test("of bodies too: what came, what was sent and what was answered; what is sent stays as it is", () => {
  const kept = keepExchanges({ maxMessages: 10, redact: redactBy(rules) });
  const given = exchange("m");
  const body = bytes('{"id":7,"client":{"api_key":"hush"}}');
  const { envelope, request, response } = given;
  assert.ok(response);
  kept.record({
    ...given,
    envelope: { ...envelope, body },
    request: { ...request, body },
    response: { ...response, body: bytes("access_token=hush&for=7"), bytes: 23 },
  });
  const { received, sent: [sent] = [] } = kept.of("m") ?? {};
  const shown = '{"id":7,"client":{"api_key":"[redacted]"}}';
  assert.equal(text(received?.body.bytes ?? bytes("")), shown);
  assert.equal(sent?.request.body, received?.body);
  assert.equal(text(sent?.response?.body.bytes ?? bytes("")), "access_token=[redacted]&for=7");
  assert.equal(received?.body.isCut, false);
  assert.equal(received?.body.total, 36);
  assert.equal(text(body), '{"id":7,"client":{"api_key":"hush"}}');
});

test("messages, attempts of each and bytes of bodies are bounded; the oldest go", () => {
  const kept = keepExchanges({ maxMessages: 2, redact: redactBy("") });
  for (const id of ["a", "b", "c"]) kept.record(exchange(id));
  assert.equal(kept.of("a"), undefined);
  const body = new Uint8Array(100_000);
  for (let attempt = 1; attempt <= 9; attempt++) {
    const { request } = exchange("c");
    kept.record(exchange("c", { attempt, request: { ...request, body } }));
  }
  const sent = kept.of("c")?.sent ?? [];
  assert.deepEqual(sent.map(({ attempt }) => attempt), [5, 6, 7, 8, 9]);
  assert.equal(sent[0]?.request.body.bytes.byteLength, 65_536);
  assert.equal(sent[0]?.request.body.total, 100_000);
});

test("a sink tells of what it sent and what was answered, success or not, and of no answer", async (t) => {
  const target = await startTarget(t, (n) => n === 1 ? 200 : 422);
  const { defaultRoute } = settings("http://127.0.0.1:1", target.url, "sse");
  const [given] = defaultRoute?.targets ?? [];
  assert.ok(given);
  const told: Exchange[] = [];
  const { envelope } = exchange("m");
  const abort = new AbortController().signal;
  for (const url of [target.url, target.url, new URL("http://127.0.0.1:1/")]) {
    await using sink = httpSink({ ...given, url }, () => 1, systemClock, (one) => told.push(one));
    await sink.send(envelope, 1, abort);
  }
  assert.deepEqual(told.map(({ response }) => response?.status), [200, 422, undefined]);
  const [first] = told;
  assert.equal(first?.request.path, "/hooks/a?token=hush&x=1");
  assert.equal(first?.request.body, envelope.body);
  assert.equal(text(first?.response?.body ?? bytes("")), "ok");
});
