import assert from "node:assert/strict";
import type { TargetSettings } from "../../src/config/settings.ts";
import { joinPath, requestFor, UnsendableError } from "../../src/sink/request.ts";
import { verdictOf } from "../../src/sink/verdict.ts";
import { envelopeWith } from "../support/message.ts";
import { test } from "../support/test.ts";

const envelope = envelopeWith({ id: "msg_1", method: "PATCH", path: "/a?b=c" });
const target: TargetSettings = {
  name: "t",
  url: new URL("http://127.0.0.1:1/base/?own=1"),
  socketPath: undefined,
  origin: "http://127.0.0.1:1",
  allowedNetworks: undefined,
  proxy: undefined,
  proxyReason: "",
  method: undefined,
  headers: [],
  timeoutMs: 1,
  retry: { maxAttempts: 1, delayMs: 1, maxDelayMs: 1, multiplier: 1 },
  breaker: {
    consecutiveFailures: 0,
    failureRate: 1,
    window: 10,
    openMs: 1,
    maxOpenMs: 1,
    maxHeld: 1,
  },
  tls: { verify: true, ca: undefined, cert: undefined, key: undefined },
  maxConcurrentRequests: undefined,
  legacyHeaders: false,
  batch: undefined,
};

const paths: [base: string, suffix: string, expected: string][] = [
  ["http://t/", "", "/"],
  ["http://t/hooks", "", "/hooks"],
  ["http://t/hooks/", "", "/hooks/"],
  ["http://t/hooks/", "/a/b", "/hooks/a/b"],
  ["http://t/hooks", "/a//b/", "/hooks/a//b/"],
  ["http://t/hooks", "?x=%2F&y", "/hooks?x=%2F&y"],
  ["http://t/hooks?own=1", "/a?x=1", "/hooks/a?own=1&x=1"],
  ["http://t/", "/%41%c3%a9?q=%20", "/%41%c3%a9?q=%20"],
  ["http://t/", "?", "/?"],
  ["http://t/", "/a...b/..c", "/a...b/..c"],
];
for (const [base, suffix, expected] of paths) {
  test(`${base} with ${JSON.stringify(suffix)} is ${expected}`, () => {
    assert.equal(joinPath(new URL(base), suffix), expected);
  });
}

for (
  const hostile of [
    "/..",
    "/a/../b",
    "/%2e%2e/admin",
    "/%2E./x",
    "/a%2f..%2fb",
    "/a\\..\\b",
    "/..%5cx",
    "/.",
    "relative",
    "/a b",
    "/a\r\nX: y",
    "/a#b",
    "/é",
    "/..;/admin",
    "/%2e%2E;a=b/x",
    "/.%2e%3b/x",
    "/..%00/x",
    "//evil/..",
  ]
) {
  test(`the suffix ${JSON.stringify(hostile)} is not sent`, () => {
    assert.throws(() => joinPath(target.url, hostile), UnsendableError);
  });
}

test("what is said of a path or a redirect leaves out the query, and of the target's own path all", () => {
  const secret = new URL("http://t/hooks/SECRET?apikey=SECRET");
  for (const suffix of ["/../x?token=SECRET", "x?token=SECRET", "/é?token=SECRET"]) {
    assert.throws(() => joinPath(secret, suffix), ({ message }: Error) => {
      assert.doesNotMatch(message, /SECRET/);
      return true;
    });
  }
  for (const location of ["/x/?token=SECRET", "https://t/#SECRET"]) {
    const verdict = verdictOf(301, { location }, 0);
    assert.ok(verdict.kind === "transient");
    assert.doesNotMatch(verdict.reason.message, /SECRET/);
  }
});

test("the webhook's method, path, headers and bytes go on; hop-by-hop headers and what could smuggle do not", () => {
  const request = requestFor(
    {
      ...envelope,
      headers: [
        ["Host", "relay"],
        ["X-Sig", "1"],
        ["x-sig", "2"],
        ["Connection", "close, X-Drop"],
        ["X-Drop", "1"],
        ["Transfer-Encoding", "chunked"],
        ["Content-Length", "99"],
        ["bad name", "x"],
        ["X-Bad", "a\r\nX-Evil: 1"],
        ["X-Nul", "a\u0000b"],
        ["Content-Type", "text/x"],
      ],
    },
    { ...target, headers: [["X-Key", "k"], ["content-type", "application/cloud"]] },
    2,
  );
  assert.equal(request.method, "PATCH");
  assert.equal(request.path, "/base/a?own=1&b=c");
  assert.equal(request.body, envelope.body);
  assert.deepEqual(request.headers, [
    ["X-Sig", "1"],
    ["x-sig", "2"],
    ["X-Webhook-Message-ID", "msg_1"],
    ["X-Webhook-ID", "hook"],
    ["X-Webhook-Attempt", "2"],
    ["Idempotency-Key", "msg_1"],
    ["X-Key", "k"],
    ["content-type", "application/cloud"],
  ]);
});

test("the sender's own Idempotency-Key stays, a forged X-Webhook header does not", () => {
  const { headers } = requestFor(
    { ...envelope, headers: [["idempotency-key", "theirs"], ["X-Webhook-ID", "forged"]] },
    target,
    1,
  );
  const keys = headers.filter(([name]) => name.toLowerCase() === "idempotency-key");
  assert.deepEqual(keys, [["idempotency-key", "theirs"]]);
  const ids = headers.filter(([name]) => name.toLowerCase() === "x-webhook-id");
  assert.deepEqual(ids, [["X-Webhook-ID", "hook"]]);
});

const verdicts: [status: number, kind: string][] = [
  ...[200, 201, 202, 204, 299].map((status): [number, string] => [status, "delivered"]),
  ...[301, 302, 304, 307, 408, 425, 429, 500, 502, 503, 504, 599].map((
    status,
  ): [number, string] => [status, "transient"]),
  ...[400, 401, 403, 404, 409, 410, 422, 451].map((status): [number, string] => [
    status,
    "permanent",
  ]),
];
test("what a status means", () => {
  for (const [status, kind] of verdicts) {
    assert.equal(verdictOf(status, {}, 0).kind, kind, String(status));
  }
});
