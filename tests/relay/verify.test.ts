/** Signatures: the vectors their providers publish, and what is near them. */
import assert from "node:assert/strict";
import { addressSet } from "../../src/protocol/address_set.ts";
import { clientAddress } from "../../src/relay/ingest/client_address.ts";
import { RateLimit } from "../../src/relay/ingest/rate_limit.ts";
import { type Verification, verify } from "../../src/relay/ingest/verify.ts";
import { ManualClock } from "../support/manual_clock.ts";
import { test } from "../support/test.ts";

interface Vector {
  readonly name: string;
  readonly how: Verification;
  readonly headers: Record<string, string>;
  readonly body: string;
  readonly atSeconds: number;
}

const tolerance = { toleranceMs: 300_000 };
const slackBody =
  "token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&" +
  "channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&" +
  "response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F" +
  "96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c";

const vectors: Vector[] = [
  {
    name: "GitHub's published vector",
    how: { type: "github", secret: "It's a Secret to Everybody" },
    headers: {
      "X-Hub-Signature-256":
        "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17",
    },
    body: "Hello, World!",
    atSeconds: 0,
  },
  {
    name: "Slack's published vector",
    how: { type: "slack", secret: "8f742231b10e8888abcd99yyyzzz85a5", ...tolerance },
    headers: {
      "X-Slack-Request-Timestamp": "1531420618",
      "X-Slack-Signature": "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503",
    },
    body: slackBody,
    atSeconds: 1_531_420_700,
  },
  {
    name: "the published vector of Standard Webhooks, second of two signatures",
    how: { type: "standard", secret: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", ...tolerance },
    headers: {
      "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
      "webhook-timestamp": "1614265330",
      "webhook-signature":
        "v1,AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA= v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    },
    body: '{"test": 2432232314}',
    atSeconds: 1_614_265_330,
  },
  {
    name: "Stripe, with an old signature beside",
    how: { type: "stripe", secret: "whsec_test", ...tolerance },
    headers: {
      // printf '1700000000.{}' | openssl dgst -sha256 -hmac whsec_test
      "Stripe-Signature":
        "t=1700000000,v0=x,v1=0000000000000000000000000000000000000000000000000000000000000000,v1=35495024f4ef3f94e5a93e22221544c4b75e9a42300cd965ab81cb85cd994e91",
    },
    body: "{}",
    atSeconds: 1_700_000_100,
  },
  {
    name: "Shopify",
    how: { type: "shopify", secret: "hush" },
    // printf '{}' | openssl dgst -sha256 -hmac hush -binary | base64
    headers: { "X-Shopify-Hmac-Sha256": "UFwgrGBPZilFtmKh8TqcovA78LGYb1BdWu9I4Q2oyRg=" },
    body: "{}",
    atSeconds: 0,
  },
  {
    name: "GitLab's token",
    how: { type: "gitlab", token: "glpat" },
    headers: { "X-Gitlab-Token": "glpat" },
    body: "{}",
    atSeconds: 0,
  },
  {
    name: "an HMAC as configured: RFC 2202 test case 2 (SHA-1)",
    how: {
      type: "hmac",
      header: "X-Sig",
      secret: "Jefe",
      algorithm: "sha1",
      encoding: "hex",
      prefix: "sha1=",
    },
    headers: { "X-Sig": "sha1=effcdf6ae5eb2fa2d27416d5f184df9c259a7c79" },
    body: "what do ya want for nothing?",
    atSeconds: 0,
  },
  {
    name: "an HMAC as configured: RFC 4231 test case 2 (SHA-256, base64)",
    how: {
      type: "hmac",
      header: "X-Sig",
      secret: "Jefe",
      algorithm: "sha256",
      encoding: "base64",
      prefix: "",
    },
    headers: { "X-Sig": "W9zBRr9gdU5qBCQmCJV1x1oAPwidJzmDnexYuWTsOEM=" },
    body: "what do ya want for nothing?",
    atSeconds: 0,
  },
  {
    name: "a bearer token",
    how: { type: "bearer", token: "t0ken" },
    headers: { Authorization: "Bearer t0ken" },
    body: "",
    atSeconds: 0,
  },
  {
    name: "basic credentials: RFC 7617 section 2",
    how: { type: "basic", username: "Aladdin", password: "open sesame" },
    headers: { Authorization: "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==" },
    body: "",
    atSeconds: 0,
  },
];

for (const { name, how, headers, body, atSeconds } of vectors) {
  const bytes = new TextEncoder().encode(body);
  const check = (given: Record<string, string>, text = bytes, at = atSeconds) =>
    verify(how, new Headers(given), text, at * 1000);

  test(`verification: ${name}`, () => {
    assert.equal(check(headers), undefined);
  });

  test(`verification: ${name}: nothing near it passes, and the reason holds no secret`, () => {
    const problems: (string | undefined)[] = [check({})];
    const signature = Object.keys(headers).at(-1) ?? "";
    for (
      const wrong of [
        "x",
        `${headers[signature]}x`,
        (headers[signature] ?? "").replace(/[0-9a-zA-Z]/g, "0"),
      ]
    ) {
      problems.push(check({ ...headers, [signature]: wrong }));
    }
    const signed = !["gitlab", "bearer", "basic"].includes(how.type);
    if (signed) problems.push(check(headers, new TextEncoder().encode(`${body} `)));
    if ("toleranceMs" in how) {
      problems.push(
        check(headers, bytes, atSeconds + 3_600),
        check(headers, bytes, atSeconds - 3_600),
      );
    }
    for (const problem of problems) {
      assert.equal(typeof problem, "string");
      for (const value of Object.values(how)) {
        if (typeof value === "string" && value.length > 4 && value !== how.type) {
          assert.ok(!problem?.includes(value) || value === "X-Sig", problem);
        }
      }
    }
  });
}

test("addresses and networks, IPv4 within IPv6 too", () => {
  const set = addressSet(["10.0.0.0/8", "192.0.2.7", "2001:db8::/32"]);
  for (const inside of ["10.255.0.1", "192.0.2.7", "::ffff:10.1.1.1", "2001:db8:1::5"]) {
    assert.equal(set.has(inside), true, inside);
  }
  for (const outside of ["11.0.0.1", "192.0.2.8", "2001:db9::1", "", "x"]) {
    assert.equal(set.has(outside), false, outside);
  }
  for (const bad of ["10.0.0.0/33", "10.0.0", "x/8", "::1/129", "10.0.0.0/-1", ""]) {
    assert.throws(() => addressSet([bad]), RangeError, bad);
  }
});

test("X-Forwarded-For is believed from trusted proxies alone, from the right", () => {
  const proxies = addressSet(["10.0.0.0/8"]);
  const cases: [peer: string, forwarded: string | null, client: string][] = [
    ["192.0.2.1", "203.0.113.9", "192.0.2.1"],
    ["10.0.0.1", "203.0.113.9", "203.0.113.9"],
    ["10.0.0.1", "203.0.113.9, 10.0.0.2", "203.0.113.9"],
    ["10.0.0.1", "6.6.6.6, 203.0.113.9", "203.0.113.9"],
    ["10.0.0.1", null, "10.0.0.1"],
    ["10.0.0.1", "203.0.113.9:4711", "203.0.113.9"],
    ["10.0.0.1", "[2001:db8::1]", "2001:db8::1"],
    ["10.0.0.1", "[2001:db8::1]:443, 10.0.0.2:80", "2001:db8::1"],
  ];
  for (const [peer, forwarded, client] of cases) {
    assert.equal(clientAddress(peer, forwarded, proxies), client, `${peer} ${forwarded}`);
  }
});

test("a sender whom a trusted proxy names in no way that can be read is nobody, never the proxy", () => {
  const proxies = addressSet(["10.0.0.0/8"]);
  const everybody = addressSet(["0.0.0.0/0", "::/0"]);
  const unreadable = [
    ...["unknown", "_hidden", "", "203.0.113.9:", "203.0.113.9:4711:1", "203.0.113:80"],
    ...["[2001:db8::1", "[203.0.113.9]", "[2001:db8::1]443", "[::1]:x"],
  ];
  for (const hop of unreadable) {
    for (const forwarded of [hop, `203.0.113.9, ${hop}`, `${hop}, 10.0.0.2`]) {
      const client = clientAddress("10.0.0.1", forwarded, proxies);
      assert.equal(everybody.has(client), false, forwarded);
    }
  }
});

test("a rate limit lets a burst through, then one at its pace", async () => {
  const clock = new ManualClock();
  const limit = new RateLimit(2, 3, clock);
  assert.deepEqual([limit.take(), limit.take(), limit.take()], [undefined, undefined, undefined]);
  assert.equal(limit.take(), 500);
  await clock.advance(500);
  assert.equal(limit.take(), undefined);
  await clock.advance(3_600_000);
  for (let i = 0; i < 3; i++) assert.equal(limit.take(), undefined);
  assert.equal(limit.take(), 500);
});

test("a rate limit keeps its pace when somebody sets the clock", () => {
  const clock = new ManualClock();
  const limit = new RateLimit(2, 3, clock);
  for (let i = 0; i < 3; i++) limit.take();
  for (const ms of [-3_600_000, 7_200_000]) {
    clock.jump(ms);
    assert.equal(limit.take(), 500);
  }
});

for (
  const { how, right, headers } of [
    {
      // printf '1700000000.{}' | openssl dgst -sha256 -hmac whsec_test
      how: { type: "stripe", secret: "whsec_test", ...tolerance },
      right: "v1=35495024f4ef3f94e5a93e22221544c4b75e9a42300cd965ab81cb85cd994e91",
      headers: (signatures: readonly string[]) => ({
        "Stripe-Signature": ["t=1700000000", ...signatures].join(","),
      }),
    },
    {
      // printf 'id.1700000000.{}' | openssl dgst -sha256 -hmac whsec -binary | base64
      how: { type: "standard", secret: "whsec", ...tolerance },
      right: "v1,U3JA4v2SNt/iHaQ4qDwcRTjEOw4EkWWM+CcmXfm2SfA=",
      headers: (signatures: readonly string[]) => ({
        "webhook-id": "id",
        "webhook-timestamp": "1700000000",
        "webhook-signature": signatures.join(" "),
      }),
    },
  ] as const
) {
  test(`verification: ${how.type}: of fifty thousand signatures sixteen are looked at`, () => {
    const check = (before: number) => {
      const wrong = Array.from({ length: before }, () => right.slice(0, -2));
      const given = new Headers(headers([...wrong, right]));
      return verify(how, given, new TextEncoder().encode("{}"), 1_700_000_000_000);
    };
    assert.equal(check(15), undefined);
    assert.match(check(16) ?? "", /does not fit/);
    assert.match(check(50_000) ?? "", /does not fit/);
  });
}
