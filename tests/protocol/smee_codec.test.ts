import assert from "node:assert/strict";
import process from "node:process";
import type { Envelope } from "../../src/protocol/envelope.ts";
import { decodeSmeeEvent, encodeSmeeEvent } from "../../src/protocol/smee_codec.ts";
import { seededRandom } from "../../src/async/seeded_random.ts";
import { test } from "../support/test.ts";

const reading = { webhookId: "smee", sequence: 1, now: 5_000 };
const encoder = new TextEncoder();
const decoder = new TextDecoder();

function envelopeOf(data: string): Envelope {
  const frame = decodeSmeeEvent(data, reading);
  assert.ok(frame?.type === "webhook", JSON.stringify(frame));
  return frame.envelope;
}

const bodies: [body: string, expected: string, type: string | undefined][] = [
  ['{"a":1.10}', '{"a":1.10}', "application/json"],
  ["[1, 2]", "[1, 2]", "application/json"],
  ["null", "null", "application/json"],
  ["0", "0", "application/json"],
  ['""', "", undefined],
  ['"plain \\n text"', "plain \n text", undefined],
];
for (const [body, expected, type] of bodies) {
  test(`the body ${body} of an event is the bytes ${JSON.stringify(expected)}`, () => {
    const envelope = envelopeOf(`{"body":${body}}`);
    assert.equal(decoder.decode(envelope.body), expected);
    assert.equal(Object.fromEntries(envelope.headers)["content-type"], type);
  });
}

const times: [timestamp: unknown, ms: number][] = [
  [1_700_000_000_123, 1_700_000_000_123],
  ["1700000000123", 1_700_000_000_123],
  ["", 5_000],
  ["soon", 5_000],
  [null, 5_000],
  [1e300, 5_000],
];
for (const [timestamp, ms] of times) {
  test(`the timestamp ${JSON.stringify(timestamp)} is ${ms}`, () => {
    const { receivedAt } = envelopeOf(JSON.stringify({ body: 1, timestamp }));
    assert.equal(Date.parse(receivedAt), ms);
  });
}

for (const data of ["", "{}", "ready", '{"message":"connected"}', '{"message":"ready"}']) {
  test(`${JSON.stringify(data)} is a greeting`, () => {
    assert.equal(decodeSmeeEvent(data, reading), undefined);
  });
}

test("a webhook whose body says ready is none", () => {
  assert.equal(
    decoder.decode(envelopeOf('{"body":{"message":"ready"}}').body),
    '{"message":"ready"}',
  );
});

test("members that are no text are no headers; lists are repeated ones; query lists repeated parameters", () => {
  const { headers, path } = envelopeOf(JSON.stringify({
    "set-cookie": ["a=1", "b=2", 3],
    "x-n": 5,
    "x-o": {},
    "__proto__x": "y",
    query: { a: ["1", "2"], "é": "&", n: 3 },
    bodyB: "",
  }));
  assert.deepEqual(headers, [["set-cookie", "a=1"], ["set-cookie", "b=2"], ["__proto__x", "y"]]);
  assert.equal(path, "?a=1&a=2&%C3%A9=%26&n=3");
  assert.equal(envelopeOf('{"body":1,"query":"a=b"}').path, "");
});

const queries: [query: unknown, path: string][] = [
  [{ a: { b: "1", c: { d: "&" } } }, "?a[b]=1&a[c][d]=%26"],
  [{ a: [{ b: "1" }, { b: "2" }] }, "?a[0][b]=1&a[1][b]=2"],
  [{ a: { b: ["1", "2"] } }, "?a[b]=1&a[b]=2"],
  [{ a: { b: "" }, c: true }, "?a[b]=&c=true"],
  [{ a: {}, b: [] }, ""],
];
for (const [query, path] of queries) {
  test(`the query ${JSON.stringify(query)} of an event is ${path} again`, () => {
    const got = envelopeOf(JSON.stringify({ body: 1, query })).path;
    assert.equal(got.replaceAll("%5B", "[").replaceAll("%5D", "]"), path);
  });
}

const hugeQueries: Record<string, string> = {
  "a long name of many values": `{"${"a".repeat(1_000_000)}":[${"1,".repeat(1_000_000)}1]}`,
  "very deep objects": `${'{"a":'.repeat(1_000_000)}1${"}".repeat(1_000_000)}`,
};
for (const [what, query] of Object.entries(hugeQueries)) {
  test(`a query of ${what} is no webhook, and costs nothing`, () => {
    const frame = decodeSmeeEvent(`{"body":1,"query":${query}}`, reading);
    assert.deepEqual(frame, { type: "malformed", problem: "query: too long or too deep" });
  });
}

test("a long header with many values is no webhook: to write it once for each costs minutes", () => {
  const name = "a".repeat(1_000_000);
  const frame = decodeSmeeEvent(`{"body":1,"${name}":[${'"",'.repeat(20_000)}""]}`, reading);
  assert.deepEqual(frame, { type: "malformed", problem: "the headers are too long" });
  const { headers } = envelopeOf(`{"body":"","${name}":""}`);
  assert.deepEqual(headers, [[name, ""]]);
});

test("what is written for gosmee is read again byte for byte, whatever the bytes", () => {
  const random = seededRandom(7);
  for (let n = 0; n < 200; n++) {
    const body = Uint8Array.from({ length: Math.floor(random() * 300) }, () => random() * 256);
    const sent: Envelope = {
      id: "msg_1",
      webhookId: "hook",
      sequence: n,
      receivedAt: new Date(1_700_000_000_000 + n).toISOString(),
      method: "PUT",
      path: "/lost?a=1&a=2&b=%3F?",
      headers: [["x-a", "1"], ["x-b", "2"], ["x-a", "3"], ["body", "lost"], ["timestamp", "lost"]],
      body,
    };
    const data = encodeSmeeEvent(sent, "bytes");
    assert.doesNotMatch(data, /[\r\n]/);
    const got = envelopeOf(data);
    assert.deepEqual(got.body, body);
    assert.equal(got.receivedAt, sent.receivedAt);
    assert.equal(got.path, "?a=1&a=2&b=%3F%3F");
    assert.deepEqual(got.headers, [["x-a", "1, 3"], ["x-b", "2"]]);
  }
});

const forms: [body: string, member: string][] = [
  ['{ "a": 1.10,\r\n "b": "\u00e9" }', '{"a":1.10,"b":"é"}'],
  ["a=1&b=2", '"a=1&b=2"'],
  ["", '""'],
  ["line\r\nline", '"line\\r\\nline"'],
];
for (const [body, member] of forms) {
  test(`what is written for smee.io of ${JSON.stringify(body)} is ${member}`, () => {
    const data = encodeSmeeEvent({
      ...{ id: "m", webhookId: "w", sequence: 1, receivedAt: "2026-01-01T00:00:00Z" },
      ...{ method: "POST", path: "", headers: [], body: encoder.encode(body) },
    }, "parsed");
    assert.equal(data, `{"query":{},"timestamp":1767225600000,"body":${member}}`);
  });
}

test("nothing that a stream may say makes the reader throw", () => {
  const random = seededRandom(3);
  const seeds = [
    '{"body":{"a":[1,"\\u0000"]},"timestamp":1}',
    '{"bodyB":"YQ==","query":{"a":"b"}}',
  ];
  for (let n = 0; n < 2_000; n++) {
    const text = [...seeds[n % 2] ?? ""];
    for (let cuts = 0; cuts < 3; cuts++) {
      text.splice(Math.floor(random() * text.length), 1, String.fromCharCode(random() * 0x300));
    }
    const frame = decodeSmeeEvent(text.join(""), reading);
    assert.ok(frame === undefined || frame.type === "webhook" || frame.type === "malformed");
  }
});

test("forty thousand parameters of one name cost no more than as many names", () => {
  const cost = (nameOf: (n: number) => string) => {
    const names = Array.from({ length: 40_000 }, (_, n) => nameOf(n));
    const envelope = { ...envelopeOf('{"body":1}'), path: `/?${names.join("&")}` };
    const before = process.cpuUsage();
    encodeSmeeEvent(envelope, "parsed");
    const { user, system } = process.cpuUsage(before);
    return user + system;
  };
  const names = cost((n) => `a${n}`);
  const one = cost(() => "a");
  assert.ok(one < 10 * names, `${one} µs, ${names} µs`);
});
