import assert from "node:assert/strict";
import { permissionOf } from "../../src/config/allowed_targets.ts";
import { ConfigError } from "../../src/config/config_error.ts";
import { loadSettings } from "../../src/config/load.ts";
import { parseTargetUrl } from "../../src/config/target_url.ts";
import { publish, settings, startConnector, startDevRelay, startTarget } from "../support/rig.ts";
import { test } from "../support/test.ts";

const cases: [list: string, target: string, permission: ReturnType<typeof permissionOf>][] = [
  ["api.internal", "https://api.internal/x", true],
  ["api.internal", "https://API.internal./x", true],
  ["api.internal", "https://b.api.internal/x", false],
  ["*.internal", "https://b.api.internal/x", true],
  ["*.internal", "https://internal/x", false],
  ["*.internal", "https://evilinternal/x", false],
  ["a, localhost:3000", "http://localhost:3000/", true],
  ["localhost:3000", "http://localhost:3001/", false],
  ["localhost:80", "http://localhost/", true],
  ["10.0.0.0/8", "http://10.9.8.7/", true],
  ["10.0.0.0/8", "http://0x0a.9.8.7/", true],
  ["10.0.0.0/8", "http://11.9.8.7/", false],
  ["10.0.0.0/8", "http://[::ffff:10.1.1.1]/", true],
  ["10.0.0.0/8, ::1", "http://[::1]:3000/", true],
  ["10.1.1.1:3000", "http://10.1.1.1:3000/", true],
  ["10.1.1.1:3000", "http://10.1.1.1:22/", false],
  ["10.0.0.0/8, other", "http://api.internal/", { networks: ["10.0.0.0/8"] }],
  ["10.0.0.0/8, api.internal", "http://api.internal/", true],
  ["10.0.0.0/8", "unix:/run/app.sock:/", false],
  ["unix:/run/app.sock", "unix:/run/app.sock:/hooks", true],
  ["unix:/run/app.sock", "unix:/run/other.sock:/hooks", false],
  ["localhost", "unix:/run/app.sock:/", false],
  ["unix:/run/app.sock", "http://localhost/", false],
  ["", "http://localhost/", false],
  ["http://a", "http://a/", "http://a"],
  ["*", "http://a/", "*"],
  ["10.0.0.0/33", "http://a/", "10.0.0.0/33"],
];
for (const [list, target, expected] of cases) {
  test(`allowed_targets ${JSON.stringify(list)} says of ${target}: ${JSON.stringify(expected)}`, () => {
    const place = parseTargetUrl(target);
    assert.ok(place);
    assert.deepEqual(permissionOf(place, list), expected);
  });
}

function problemsOf(content: Record<string, unknown>): string {
  const needed = { cloud_url: "https://relay.example", channel: "dev", token: "x" };
  try {
    loadSettings({ file: { path: "/x", content: { ...needed, ...content } }, env: {}, flags: {} });
    return "";
  } catch (error) {
    if (error instanceof ConfigError) return error.problems.join("\n");
    throw error;
  }
}

test("a target that is not allowed is refused before anything runs, with its path", () => {
  const problems = problemsOf({
    allowed_targets: "10.0.0.0/8, *.internal",
    default_target: { url: "http://10.0.0.1/" },
    targets: {
      a: { url: "http://169.254.169.254/latest" },
      b: [{ url: "http://x.internal/" }, { url: "unix:/run/docker.sock:/" }],
      c: { url: "http://proxied.test/", proxy: "http://proxy.internal:3128" },
    },
  });
  assert.deepEqual(problems.split("\n").map((line) => line.replace(/ \(file \/x\)|,.*/, "")), [
    'targets.a.url: "http://169.254.169.254" is not in allowed_targets',
    'targets.b.1.url: "unix:/run/docker.sock" is not in allowed_targets',
    'targets.c.url: "http://proxied.test" is reached through a proxy',
  ]);
  assert.match(
    problemsOf({ allowed_targets: "http://a", default_target: { url: "http://a/" } }),
    /allowed_targets: "http:\/\/a" cannot be read: use hosts/,
  );
});

test("the address behind a name is held against the list when it is connected to", async (t) => {
  const target = await startTarget(t);
  const url = new URL(target.url.href.replace("127.0.0.1", "localhost"));
  const relay = await startDevRelay(t);
  const outside = startConnector(
    t,
    settings(relay.url, url, "websocket", { allowed_targets: "10.0.0.0/8" }),
  );
  await outside.happened("stream.connected");
  await publish(relay, "x");
  await outside.happened("delivery.retrying");
  const retry = outside.events.find((event) => event.type === "delivery.retrying");
  assert.match(
    retry?.type === "delivery.retrying" ? retry.reason.message : "",
    /will not connect to "localhost": it resolves to (127\.0\.0\.1|::1), which is not allowed/,
  );
  assert.equal(target.got.length, 0);
  outside.drain.abort();
  outside.abort.abort();
  await outside.ended;

  const inside = startConnector(
    t,
    settings(relay.url, url, "websocket", { allowed_targets: "127.0.0.0/8, ::1" }),
  );
  await inside.happened("settlement.confirmed");
  assert.equal(target.got.length, 1);
});
