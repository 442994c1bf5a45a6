/** What becomes a request, and what is let in: URLs, headers, signatures, addresses, keys, answers. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { readSourceUrl } from "../../src/config/source_url.ts";
import type { TargetSettings } from "../../src/config/settings.ts";
import { isForbiddenAddress } from "../../src/protocol/forbidden_address.ts";
import { hopByHopHeaders } from "../../src/protocol/hop_by_hop.ts";
import { keyOf, parseOrdering } from "../../src/protocol/ordering.ts";
import { redactBy } from "../../src/protocol/redact.ts";
import { decodeRelayFrame } from "../../src/protocol/relay_codec.ts";
import {
  githubSignature,
  slackSignature,
  standardSignature,
  stripeSignature,
} from "../../src/protocol/signatures.ts";
import { addressSet } from "../../src/protocol/address_set.ts";
import { clientAddress } from "../../src/relay/ingest/client_address.ts";
import { type Verification, verify } from "../../src/relay/ingest/verify.ts";
import { outcomesOf } from "../../src/sink/batch_answer.ts";
import { forwardedHeaders } from "../../src/sink/headers.ts";
import { joinPath, requestFor, UnsendableError } from "../../src/sink/request.ts";
import { byteArray, deepJson, fuzzTarget, near, nearObject } from "./target.ts";
import { frameText } from "./wire.ts";

const hosts = [
  ..."https://|http://|ws://|wss://|ftp://|relay.example|127.0.0.1|localhost|169.254.169.254|[::1]"
    .split("|"),
  ..."[::ffff:169.254.169.254]|0|2852039166|0xa9fea9fe|metadata|.|:|@|/|?|#|%|\\|user:pw@|:99999"
    .split("|"),
];

const sourceUrl = fuzzTarget("source_url", near(hosts), (text) => {
  const url = readSourceUrl(text, false);
  if (typeof url === "string") return assert.notEqual(url, "");
  assert.match(url.protocol, /^https?:$/);
  assert.equal(url.username + url.password + url.search + url.hash, "");
  assert.ok(!isForbiddenAddress(url.hostname.replace(/^\[|\]$/g, "")), url.href);
  if (url.protocol === "http:") {
    assert.match(url.hostname, /^(127\.\d+\.\d+\.\d+|\[::1\]|(.*\.)?localhost\.?)$/);
  }
});

const suffix = near([
  "/a",
  "/..",
  "/.",
  "%2e",
  "%2F",
  "\\",
  "?x=1",
  "#",
  "//",
  "\r\n",
  " ",
  "é",
  ";",
]);

const targetPath = fuzzTarget(
  "target_path",
  fc.record({
    base: fc.constantFrom("http://t/", "http://t/hooks", "http://t/hooks/?own=1"),
    suffix,
  }),
  ({ base, suffix }) => {
    const target = new URL(base);
    let path: string;
    try {
      path = joinPath(target, suffix);
    } catch (error) {
      return assert.ok(error instanceof UnsendableError);
    }
    assert.match(path, /^\/[\x21-\x7e]*$/);
    const folder = target.pathname.replace(/\/$/, "");
    const asServed = new URL(`http://t${path}`);
    assert.equal(asServed.host, "t");
    assert.ok(
      asServed.pathname === folder || asServed.pathname.startsWith(`${folder}/`) ||
        asServed.pathname === target.pathname,
      path,
    );
  },
);

const token = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
/** What `node:http` puts on the wire without a word. */
const sendable = /^[\t\x20-\x7e\x80-\xff]*$/;
const tls = { verify: true, ca: undefined, cert: undefined, key: undefined };
const target = {
  ...{ name: "t", url: new URL("http://t/hooks"), method: undefined, headers: [], tls },
  ...{ timeoutMs: 1, maxConcurrentRequests: undefined, legacyHeaders: true, batch: undefined },
} as unknown as TargetSettings;

const targetRequest = fuzzTarget(
  "target_request",
  fc.record({
    frame: frameText,
    name: near(["Connection", "Transfer-Encoding", "X-A", "a\r\nb"]),
    value: near(["x-a, close", "chunked", "\r\n", "\0", "€", "é"]),
  }),
  ({ frame, name, value }) => {
    assertSendable(forwardedHeaders([[name, value], ["Connection", value]]));
    const decoded = decodeRelayFrame(new TextEncoder().encode(frame), "webhook");
    if (decoded.type !== "webhook") return;
    try {
      const request = requestFor(decoded.envelope, target, 1);
      assertSendable(request.headers);
      assert.match(request.path, /^\/hooks[\x21-\x7e]*$/);
    } catch (error) {
      assert.ok(error instanceof UnsendableError, String(error));
    }
  },
);

function assertSendable(headers: readonly (readonly [string, string])[]): void {
  for (const [name, value] of headers) {
    assert.match(name, token);
    assert.match(value, sendable);
    assert.ok(!hopByHopHeaders.has(name.toLowerCase()), name);
    assert.ok(!["host", "content-length"].includes(name.toLowerCase()), name);
  }
}

const nowMs = 1_800_000_000_000;
const now = String(nowMs / 1000);
const secret = "s3cret";
const toleranceMs = 300_000;
/** How each is signed, with the header that holds the signature. */
const signers: Readonly<
  Record<string, readonly [Verification, (body: Uint8Array) => [string, string][]]>
> = {
  github: [
    { type: "github", secret },
    (body) => [["x-hub-signature-256", githubSignature(body, secret)]],
  ],
  stripe: [
    { type: "stripe", secret, toleranceMs },
    (body) => [["stripe-signature", `t=${now},v1=${stripeSignature(body, secret, now)}`]],
  ],
  slack: [
    { type: "slack", secret, toleranceMs },
    (body) => [
      ["x-slack-signature", slackSignature(body, secret, now)],
      ["x-slack-request-timestamp", now],
    ],
  ],
  standard: [
    { type: "standard", secret, toleranceMs },
    (body) => [
      ["webhook-signature", `v1,${standardSignature(body, secret, "1", now)}`],
      ...[["webhook-id", "1"], ["webhook-timestamp", now]] as [string, string][],
    ],
  ],
};

const signatures = fuzzTarget(
  "signatures",
  fc.record({
    kind: fc.constantFrom(...Object.keys(signers)),
    body: byteArray(40),
    other: byteArray(40),
    forged: fc.stringMatching(/^[\x20-\x7e]{0,80}$/),
  }),
  ({ kind, body, other, forged }) => {
    const [how, sign] = signers[kind] ?? assert.fail(kind);
    const bytes = Uint8Array.from(body);
    const signed = sign(bytes);
    assert.equal(verify(how, new Headers(signed), bytes, nowMs), undefined);
    if (Buffer.compare(bytes, Uint8Array.from(other)) !== 0) {
      assert.equal(
        typeof verify(how, new Headers(signed), Uint8Array.from(other), nowMs),
        "string",
      );
    }
    const [[name = ""] = [], ...rest] = signed;
    const problem = verify(how, new Headers([[name, forged], ...rest]), bytes, nowMs);
    assert.equal(typeof problem, "string");
    assert.ok(!problem?.includes(secret));
  },
);

const address = near([
  "10.0.0.1",
  "::1",
  "::ffff:10.0.0.1",
  "10.0.0.1:80",
  "unknown",
  ",",
  " ",
  "1.1.1.1",
]);
const trusted = addressSet(["10.0.0.0/8", "::1"]);

const addresses = fuzzTarget(
  "addresses",
  fc.record({ peer: address, forwarded: fc.option(address) }),
  ({ peer, forwarded }) => {
    const client = clientAddress(peer, forwarded, trusted);
    // Whoever is no trusted proxy speaks for himself alone.
    if (!trusted.has(peer)) assert.equal(client, peer);
    isForbiddenAddress(client);
    try {
      addressSet([peer]).has(client);
    } catch (error) {
      assert.ok(error instanceof RangeError);
    }
  },
);

const orderingKeys = fuzzTarget(
  "ordering_keys",
  fc.record({
    rule: near(["key:webhook_id", "key:header:x", "key:/a/b", "key:/a", "none", "~0", "~1", "~"]),
    body: fc.oneof(
      fc.json(),
      fc.string({ unit: "binary" }),
      deepJson.map((text) => `{"a":${text}}`),
    ),
  }),
  ({ rule, body }) => {
    const ordering = parseOrdering(rule);
    if (ordering?.kind !== "key") return;
    const bytes = new TextEncoder().encode(body);
    const key = keyOf(ordering, { webhookId: "w", headers: [["X", "1"]], body: bytes });
    assert.ok(key === undefined || typeof key === "string");
  },
);

const batchAnswers = fuzzTarget(
  "batch_answers",
  fc.record({
    status: fc.integer({ min: 100, max: 999 }),
    text: fc.oneof(
      fc.json(),
      fc.string({ unit: "binary" }),
      deepJson,
      nearObject({
        results: fc.array(nearObject({ message_id: near(["a", "b"]), status: fc.integer() })),
      }).map((value) => JSON.stringify(value)),
    ),
    type: near(["application/json", "text/plain", "application/x+json"]),
    retryAfter: near(["1", "9".repeat(400)]),
  }),
  ({ status, text, type, retryAfter }) => {
    const headers = { "content-type": type, "retry-after": retryAfter };
    const outcome = outcomesOf({ status, headers, body: { kind: "whole", text } }, 0)("a");
    if (status < 200 || status > 299) assert.notEqual(outcome.kind, "delivered");
    if (outcome.kind === "transient" && outcome.retryAfterMs !== undefined) {
      assert.ok(outcome.retryAfterMs >= 0);
    }
  },
);

const redaction = fuzzTarget(
  "redaction",
  fc.record({
    path: near(["/a", "?token=", "&", "=", "%74oken=", "marker", "%", "#", ";"]),
    name: near(["token", "authorization", "x", "*"]),
  }),
  ({ path, name }) => {
    const redact = redactBy("authorization,*token*");
    assert.ok(!redact.path(`/x?token=marker-7${path.replaceAll("&", "")}`).includes("marker-7"));
    redact.path(path);
    const shown = (text: string) =>
      new TextDecoder().decode(redact.body(new TextEncoder().encode(text), true));
    const members = JSON.stringify({ a: path, token: ["marker-7"], b: 1 });
    for (const body of [members, JSON.stringify([members]), `a=${encodeURIComponent(members)}`]) {
      assert.ok(!shown(body).includes("marker-7"), body);
    }
    shown(path);
    const [[, value] = []] = redact.headers([[name, "marker-7"]]);
    if (/token|^authorization$/i.test(name) && !/[\n\r\u2028\u2029]/.test(name)) {
      assert.notEqual(value, "marker-7");
    }
  },
);

export const requestTargets = [
  ...[sourceUrl, targetPath, targetRequest, signatures, addresses, orderingKeys],
  ...[batchAnswers, redaction],
];
