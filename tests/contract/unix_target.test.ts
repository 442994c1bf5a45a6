import assert from "node:assert/strict";
import http from "node:http";
import { join } from "node:path";
import { ConfigError } from "../../src/config/config_error.ts";
import { loadSettings } from "../../src/config/load.ts";
import { publish, startConnector, startDevRelay } from "../support/rig.ts";
import { test } from "../support/test.ts";

function load(target: unknown) {
  const content = { channel: "dev", token: "s3cret", default_target: target };
  const env = { CONNECTOR_CLOUD_URL: "http://127.0.0.1:1" };
  return loadSettings({ file: { path: "/x", content }, env, flags: {} }).settings;
}

test("webhooks reach a server on a Unix socket, with path and query; one that is gone is told by its path", async (t) => {
  const socket = join(t.folder(), "app.sock");
  const got: string[] = [];
  const app = http.createServer((request, response) => {
    got.push(`${request.method} ${request.url} ${request.headers.host}`);
    response.end();
  });
  await new Promise<void>((resolve) => app.listen(socket, resolve));
  let isOpen = true;
  const close = () => {
    if (!isOpen) return;
    isOpen = false;
    app.closeAllConnections();
    return new Promise((resolve) => app.close(resolve));
  };
  t.defer(close);
  const relay = await startDevRelay(t);
  const { source, ...others } = load({
    url: `unix:${socket}:/hooks?own=1`,
    retry_delay_seconds: 0.01,
  });
  const run = startConnector(t, { ...others, source: { ...source, url: new URL(relay.url) } });
  await run.happened("stream.connected");
  const sent = await fetch(`${relay.url}/webhook/hook/a/b?x=2`, { method: "PUT", body: "x" });
  await sent.text();
  await run.happened("settlement.confirmed");
  assert.deepEqual(got, ["PUT /hooks/a/b?own=1&x=2 localhost"]);
  assert.equal(run.connector.targets[0]?.url, `unix:${socket}/hooks`);

  await close();
  await publish(relay, "x");
  await run.happened("delivery.retrying");
  const retry = run.events.find((event) => event.type === "delivery.retrying");
  assert.ok(
    retry?.type === "delivery.retrying" &&
      retry.reason.message.startsWith(`cannot reach unix:${socket}: `),
    JSON.stringify(retry),
  );
});

test("what has no meaning for a Unix socket is refused, and so is what names none", () => {
  const bad: [target: Record<string, unknown>, says: RegExp][] = [
    [
      { url: "unix:/a.sock:/", proxy: "http://p" },
      /default_target\.proxy: has no meaning for a Unix/,
    ],
    [{ url: "unix:/a.sock:/", verify_ssl: false }, /verify_ssl: has no meaning/],
    [{ url: "unix:/a.sock:/", tls_server_name: "x" }, /tls_server_name: has no meaning/],
    [{ url: "unix:a.sock:/" }, /default_target\.url: "unix:a\.sock:\/": use a URL beginning with/],
    [{ url: "unix:/a.sock:hooks" }, /use a URL beginning with/],
    [{ url: `unix:/${"a".repeat(104)}:/` }, /use a URL beginning with/],
    [{ url: "unix:/a.sock://other.host/" }, /use a URL beginning with/],
    [{ url: "ftp://a/" }, /use a URL beginning with http: or https:, or unix:/],
  ];
  for (const [target, says] of bad) {
    assert.throws(
      () => load(target),
      (error) => error instanceof ConfigError && says.test(error.message),
      JSON.stringify(target),
    );
  }
  assert.equal(load({ url: "unix:/a.sock" }).defaultRoute?.targets[0].url.pathname, "/");
});
