/** Relay and targets through a real HTTP proxy; the names used here only the proxy can resolve. */
import assert from "node:assert/strict";
import { type AddressInfo, createServer } from "node:net";
import { loadSettings } from "../../src/config/load.ts";
import type { ConnectorEvent } from "../../src/observe/events.ts";
import { startConnectProxy } from "../support/connect_proxy.ts";
import { publish, startConnector, startDevRelay, startTarget } from "../support/rig.ts";
import { test, type TestContext } from "../support/test.ts";
import { certPath, startTlsFront } from "../support/tls_front.ts";

const tls = {
  ca_cert_path: certPath("ca"),
  client_cert_path: certPath("client"),
  client_key_path: certPath("client_key"),
  tls_server_name: "localhost",
};

/** The same place by a name that is not this machine's. */
function elsewhere(url: URL | string, host: string): URL {
  const { protocol, port, pathname } = new URL(url);
  return new URL(`${protocol}//${host}:${port}${pathname}`);
}

function start(
  t: TestContext,
  { relay, target, env = {}, ...more }: {
    relay: URL;
    target: Record<string, unknown>;
    env?: Record<string, string>;
    [key: string]: unknown;
  },
) {
  const content = {
    cloud_url: relay.href,
    ...{ channel: "dev", token: "s3cret", reconnect_delay: 0.02, max_reconnect_delay: 0.1 },
    exit_on_auth_failure: true,
    ...more,
    default_target: { retry_delay_seconds: 0.01, ...target },
  };
  const file = { path: "/test.json", content };
  return startConnector(t, loadSettings({ file, env, flags: {} }).settings);
}

function messageOf(events: readonly ConnectorEvent[], type: "stream.failed" | "delivery.retrying") {
  const found = events.find((event) => event.type === type);
  return found?.type === "stream.failed"
    ? found.message
    : found?.type === type
    ? found.reason.message
    : "";
}

for (const protocol of ["websocket", "sse", "long_poll"] as const) {
  test(`[${protocol}] HTTPS_PROXY leads to relay and target, with TLS to their end`, async (t) => {
    const plainTarget = await startTarget(t);
    const relay = await startDevRelay(t);
    const secureRelay = await startTlsFront(t, new URL(relay.url));
    const secureTarget = await startTlsFront(t, plainTarget.url);
    const proxy = await startConnectProxy(t, { user: "ferry:p w" });
    const run = start(t, {
      ...{ protocol, ...tls, relay: elsewhere(secureRelay, "relay.test") },
      target: { url: elsewhere(secureTarget, "target.test").href, ...tls },
      env: { HTTPS_PROXY: proxy.url.replace("//", "//ferry:p%20w@") },
    });
    await run.happened("stream.connected");
    await publish(relay, "x");
    await run.happened("settlement.confirmed");
    assert.equal(plainTarget.got.length, 1);
    const names = new Set(proxy.asked);
    assert.deepEqual(
      [...names].sort(),
      [`CONNECT relay.test:${secureRelay.port}`, `CONNECT target.test:${secureTarget.port}`],
    );
  });

  test(`[${protocol}] a proxy between us and a plain relay and target`, async (t) => {
    const target = await startTarget(t);
    const relay = await startDevRelay(t);
    const proxy = await startConnectProxy(t, { secure: true });
    const run = start(t, {
      ...{ protocol, allow_insecure: true, relay: elsewhere(relay.url, "relay.test") },
      ...{ proxy: proxy.url, ca_cert_path: certPath("ca") },
      target: {
        url: elsewhere(target.url, "target.test").href,
        ...{ proxy: proxy.url, ca_cert_path: certPath("ca") },
      },
    });
    await run.happened("stream.connected");
    await publish(relay, "x");
    await run.happened("settlement.confirmed");
    assert.equal(target.got[0]?.headers.host, `target.test:${target.url.port}`);
    assert.equal(target.got[0]?.headers["proxy-authorization"], undefined);
    const { port } = new URL(relay.url);
    assert.ok(
      proxy.asked.includes(`POST http://target.test:${target.url.port}/hooks`),
      proxy.asked.join(),
    );
    assert.ok(
      proxy.asked.some((one) =>
        one.startsWith(
          protocol === "websocket"
            ? `CONNECT relay.test:${port}`
            : `GET http://relay.test:${port}/`,
        )
      ),
      proxy.asked.join(),
    );
  });

  test(`[${protocol}] a proxy that cuts its connections is gone through again`, async (t) => {
    const plainTarget = await startTarget(t);
    const relay = await startDevRelay(t);
    const secureRelay = await startTlsFront(t, new URL(relay.url));
    const secureTarget = await startTlsFront(t, plainTarget.url);
    const proxy = await startConnectProxy(t);
    const run = start(t, {
      ...{ protocol, ...tls, proxy: proxy.url, relay: elsewhere(secureRelay, "relay.test") },
      target: { url: elsewhere(secureTarget, "target.test").href, ...tls, proxy: proxy.url },
    });
    await run.happened("stream.connected");
    for (let n = 1; n <= 5; n++) {
      await publish(relay, `${n}`);
      await run.happened("settlement.confirmed", n);
      proxy.cut();
      await run.happened("stream.connected", n + 1);
    }
    assert.deepEqual(
      plainTarget.got.map(({ body }) => new TextDecoder().decode(body)),
      ["1", "2", "3", "4", "5"],
    );
  });

  test(`[${protocol}] a proxy that wants a password is named, the password given is not`, async (t) => {
    const proxy = await startConnectProxy(t, { user: "ferry:right" });
    const run = start(t, {
      ...{ protocol, relay: new URL("https://relay.test/") },
      proxy: proxy.url.replace("//", "//ferry:wrong@"),
      target: { url: "http://target.test/" },
    });
    await run.happened("stream.failed");
    const message = messageOf(run.events, "stream.failed");
    assert.ok(
      message.endsWith(
        `the proxy ${proxy.url}: it answered 407: it wants another user and password`,
      ),
      message,
    );
  });
}

test("a proxy that refuses CONNECT to a plain relay leaves the other transports", async (t) => {
  const relay = await startDevRelay(t);
  const proxy = await startConnectProxy(t, { refuse: () => 403 });
  const run = start(t, {
    ...{ protocol: "auto", allow_insecure: true, relay: elsewhere(relay.url, "relay.test") },
    proxy: proxy.url,
    target: { url: "http://127.0.0.1:1/" },
  });
  await run.happened("stream.connected");
  const connected = run.events.find((event) => event.type === "stream.connected");
  assert.equal(connected?.type === "stream.connected" && connected.transport, "sse");
});

test("a target's proxy that is not there, or refuses, is what the failure is about", async (t) => {
  const relay = await startDevRelay(t);
  const proxy = await startConnectProxy(t, { user: "a:b" });
  for (
    const [url, via, says] of [
      [
        "http://target.test/",
        "http://127.0.0.1:1",
        "the proxy http://127.0.0.1:1: connection refused",
      ],
      [
        "https://target.test/",
        "http://127.0.0.1:1",
        "the proxy http://127.0.0.1:1: connection refused",
      ],
      ["http://target.test/", proxy.url, `the proxy ${proxy.url}: it answered 407`],
      ["https://target.test/", proxy.url, `the proxy ${proxy.url}: it answered 407`],
    ] as const
  ) {
    const run = start(t, { relay: new URL(relay.url), target: { url, proxy: via } });
    await run.happened("stream.connected");
    await publish(relay, "x");
    await run.happened("delivery.retrying");
    const message = messageOf(run.events, "delivery.retrying");
    assert.ok(message.startsWith(`cannot reach ${new URL(url).origin}: ${says}`), message);
    run.drain.abort();
    run.abort.abort();
    await run.ended;
  }
});

test("variables for a proxy do not lead away from this machine", async (t) => {
  const target = await startTarget(t);
  const relay = await startDevRelay(t);
  const proxy = await startConnectProxy(t);
  const run = start(t, {
    relay: new URL(relay.url),
    target: { url: target.url.href },
    env: { HTTP_PROXY: proxy.url, ALL_PROXY: proxy.url },
  });
  await run.happened("stream.connected");
  await publish(relay, "x");
  await run.happened("settlement.confirmed");
  assert.deepEqual(proxy.asked, []);
});

for (const protocol of ["websocket", "sse", "long_poll"] as const) {
  test(`[${protocol}] a stop does not wait for a proxy that never answers`, async (t) => {
    let arrived = () => {};
    const isAsked = new Promise<void>((resolve) => arrived = resolve);
    const proxy = await startSilentPeer(t, () => arrived());
    const run = start(t, {
      ...{ protocol, relay: new URL("https://relay.test/"), proxy },
      target: { url: "http://127.0.0.1:1/" },
    });
    await isAsked;
    run.drain.abort();
    run.abort.abort();
    assert.deepEqual(await run.ended, { abandoned: 0 });
  });
}

async function startSilentPeer(t: TestContext, onConnection: () => void): Promise<string> {
  const server = createServer((socket) => {
    socket.on("error", () => {});
    socket.on("data", onConnection);
    t.defer(() => socket.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.defer(() => void server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
