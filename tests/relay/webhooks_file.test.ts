import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { readWebhooksFile } from "../../src/relay/webhooks_file.ts";
import { startProgram } from "../support/program.ts";
import { test } from "../support/test.ts";

const entry = { module: "webhook_connect", channel: "orders", channel_token: "t0ken" };

test("the old relay's webhooks.json is read: its entries of webhook_connect, with the defaults of old", () => {
  const { channels: [channel, ...others] } = readWebhooksFile(JSON.stringify({
    shop: {
      data_type: "json",
      ...entry,
      ttl_seconds: 60,
      max_queue_size: 5,
      max_connections: 2,
      max_in_flight: 7,
    },
    elsewhere: { module: "kafka", topic: "x" },
  }));
  assert.deepEqual(others, []);
  assert.deepEqual(channel, {
    name: "orders",
    token: "t0ken",
    webhookIds: ["shop"],
    ttlMs: 60_000,
    maxMessages: 5,
    maxQueueBytes: 1_073_741_824,
    maxConnections: 2,
    maxInFlight: 7,
    ackTimeoutMs: 30_000,
    maxDeliveries: 10,
    maxBodyBytes: 10_485_760,
    ordering: { kind: "none" },
  });
});

test("settings may stand in module-config, and several ids feed one channel if they agree", () => {
  const { channels } = readWebhooksFile(JSON.stringify({
    a: { module: "webhook_connect", "module-config": { channel: "c", channel_token: "t" } },
    b: { module: "webhook_connect", channel: "c", channel_token: "t" },
  }));
  assert.deepEqual(channels.map(({ name, webhookIds }) => [name, webhookIds]), [["c", ["a", "b"]]]);
});

test("a byte order mark at the beginning is no part of the file", () => {
  const { channels } = readWebhooksFile(`\ufeff${JSON.stringify({ a: entry })}`);
  assert.deepEqual(channels.map(({ name }) => name), ["orders"]);
});

const bad: [text: string, says: RegExp][] = [
  ["{", /not JSON/],
  ["[]", /^not an object of webhook id and entry$/],
  ['{"a": {}}', /a\.module/],
  [JSON.stringify({ a: { ...entry, channel: "../x" } }), /a\.channel: use letters/],
  [JSON.stringify({ a: { ...entry, channel_token: "" } }), /a\.channel_token/],
  [JSON.stringify({ a: { ...entry, ttl_seconds: "1" } }), /a\.ttl_seconds/],
  [
    JSON.stringify({ a: { ...entry, max_message_bytes: 47_185_921 } }),
    /^a\.max_message_bytes: use at most 47185920: /,
  ],
  [
    JSON.stringify({ a: { idempotency: { header: "X-GitHub-Delivery:" }, ...entry } }),
    /^a\.idempotency\.header: use the name of a header, without a colon$/,
  ],
  [
    JSON.stringify({ a: { verify: { type: "hmac", header: "X Sum", secret: "s" }, ...entry } }),
    /^a\.verify\.header: use the name of a header, without a colon$/,
  ],
  [
    JSON.stringify({ a: entry, b: { ...entry, channel_token: "other" } }),
    /b: configures the channel "orders" otherwise than a does: channel_token$/,
  ],
  [
    JSON.stringify({ a: entry, b: { ...entry, ttl_seconds: 5, ordering: "channel" } }),
    /b: configures the channel "orders" otherwise than a does: ttl_seconds, ordering$/,
  ],
  [
    JSON.stringify({ a: { verfy: {}, ...entry } }),
    /^a\.verfy: unknown key, did you mean verify\?$/,
  ],
  [JSON.stringify({ a: { alow_ips: [], ...entry } }), /a\.alow_ips: .* did you mean allow_ips\?/],
  [JSON.stringify({ a: { ttl_secs: 1, ...entry } }), /a\.ttl_secs: .* did you mean ttl_seconds\?/],
  [JSON.stringify({ a: { hmacc: {}, ...entry } }), /a\.hmacc: .* did you mean hmac\?/],
  [
    JSON.stringify({ a: { module: "webhook_connect", "module-config": { ...entry, verfy: {} } } }),
    /a\.verfy: unknown key/,
  ],
  [
    JSON.stringify({ a: { ...entry, module: "webhook_conect" } }),
    /^a\.module: "webhook_conect": unknown, did you mean webhook_connect\?$/,
  ],
];
for (const [text, says] of bad) {
  test(`webhooks.json ${text.slice(0, 60)} is refused with a reason`, () => {
    assert.throws(() => readWebhooksFile(text), (error) => {
      assert.ok(error instanceof RangeError);
      assert.match(error.message, says);
      return true;
    });
  });
}

test("a secret that would be an empty key is refused, with what is accepted", () => {
  const read = (verify: unknown) => readWebhooksFile(JSON.stringify({ a: { ...entry, verify } }));
  const base64 = /^a\.verify\.secret: use whsec_ and base64, or another text$/;
  const some = /^a\.verify\.\w+: use one character at least$/;
  for (const rest of ["", "***", "A", "MfKQ ***", "MfKQ\n"]) {
    assert.throws(() => read({ type: "standard", secret: `whsec_${rest}` }), { message: base64 });
  }
  assert.throws(() => read({ type: "standard", secret: "" }), { message: some });
  assert.throws(() => read({ type: "basic", username: "u", password: "" }), { message: some });
  assert.throws(() => read({ type: "bearer", token: "" }), { message: some });
  for (const secret of ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_aG8=", "whsec_-_8", "x"]) {
    assert.equal(read({ type: "standard", secret }).policies.size, 1);
  }
  assert.equal(read({ type: "basic", username: "", password: "p" }).policies.size, 1);
});

test("what said who may post to the old relay is refused where nothing says it anew: nobody takes from everybody unknowing", () => {
  const file = (more: Record<string, unknown>) =>
    JSON.stringify({
      hook: { module: "webhook_connect", channel: "c", channel_token: "t", ...more },
    });
  for (const key of ["authorization", "hmac", "ip_whitelist", "jwt", "basic_auth", "query_auth"]) {
    assert.throws(
      () => readWebhooksFile(file({ [key]: { secret: "s" } })),
      new RegExp(`hook\\.${key}: is not read here; say who may post by verify`),
      key,
    );
    readWebhooksFile(file({ [key]: null }));
    readWebhooksFile(file({ [key]: { secret: "s" }, verify: { type: "bearer", token: "t0ken" } }));
  }
});

test("a token that is the name of a variable is refused: it would be the token", () => {
  const file = { hook: { ...entry, channel_token: "{$CHANNEL_TOKEN}" } };
  assert.throws(() => readWebhooksFile(JSON.stringify(file)), /hook\.channel_token: variables/);
});

test("what the old relay's file says to others is left alone; what nobody reads in an entry of ours, and a file without one, is told", () => {
  const warnings = (file: unknown) => readWebhooksFile(JSON.stringify(file)).warnings;
  const other = { module: "kafka", connection: "c", "module-config": { topc: "x" }, retry: {} };
  assert.deepEqual(warnings({ a: { data_type: "json", ...entry }, b: other }), []);
  assert.deepEqual(warnings({ a: { ...entry, connection: "c", retry: {} } }), [
    "a.connection: is not read here",
    "a.retry: is not read here",
  ]);
  const none = ["no entry has the module webhook_connect: there is no channel in it"];
  assert.deepEqual(warnings({ b: other }), none);
  assert.deepEqual(warnings({}), []); // for whoever makes them by the admin API
});

test("a relay tells what it does not read of its webhooks file, and where to post to an id that a URL cannot hold as it is", async (t) => {
  const path = join(t.folder(), "w.json");
  writeFileSync(path, JSON.stringify({ "a b/ü?": { ...entry, connection: "c" } }));
  const relay = startProgram(t, [
    ...["relay", "--listen", "127.0.0.1:0", "--durability", "memory", "--webhooks", path],
  ]);
  const url = (await relay.line(/^post to/)).split(/\s+/)[2] ?? "";
  assert.match(url, /\/webhook\/a%20b%2F%C3%BC%3F$/);
  const warning =
    `hookferry relay: warning: --webhooks ${path}: a b/ü?.connection: is not read here`;
  assert.deepEqual(relay.stderr.filter((line) => line.includes("warning")), [warning]);
  const response = await fetch(url, { method: "POST" });
  assert.equal(response.status, 202, await response.text());
});

test("an id that no connector takes is refused with the file", () => {
  const read = (id: string) => () => readWebhooksFile(JSON.stringify({ [id]: entry }));
  assert.throws(
    read("заказы"),
    /^RangeError: "заказы": is no webhook id; use at most 512 printable/,
  );
  assert.throws(read("x".repeat(513)), /is no webhook id/);
  assert.equal(read("é/ü ?")().channels.length, 1);
});
