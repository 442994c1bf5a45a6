import assert from "node:assert/strict";
import { parseNatsAddress } from "../../src/relay/jetstream/address.ts";
import { textOf, token } from "../../src/relay/jetstream/names.ts";
import { test } from "../support/test.ts";

test("the URL of a JetStream store: servers, login, copies, credentials", () => {
  const plain = { servers: ["a:4222"], tls: false, replicas: 1 };
  const cases: [string, unknown][] = [
    ["nats://a:4222", plain],
    ["nats://a:4222/", plain],
    ["tls://a:4222,b:4223?replicas=3", {
      servers: ["a:4222", "b:4223"],
      tls: true,
      replicas: 3,
    }],
    ["nats://me:s%40cret@a:4222", { ...plain, user: "me", password: "s@cret" }],
    ["nats://t0ken@a:4222", { ...plain, token: "t0ken" }],
    ["nats://a:4222?creds=/etc/c", { ...plain, credsPath: "/etc/c" }],
    ["nats://[::1]:4222", { ...plain, servers: ["[::1]:4222"] }],
  ];
  for (const [text, expected] of cases) assert.deepEqual(parseNatsAddress(text), expected, text);
});

test("a URL that is none is refused", () => {
  const bad = [
    "",
    "a:4222",
    "http://a:4222",
    "nats://",
    "nats://a:4222,",
    "nats://a:x",
    "nats://a?replicas=2",
    "nats://a?copies=3",
    "nats://%zz@a",
    "nats://@a",
  ];
  for (const text of bad) assert.equal(parseNatsAddress(text), undefined, text);
});

test("any text is one token of a subject, and comes back", () => {
  for (const text of ["plain-_1", "a.b*c>d e", "=", "é✓", "(~!')", "%41"]) {
    assert.match(token(text), /^[A-Za-z0-9_=-]+$/);
    assert.equal(textOf(token(text)), text);
  }
});
