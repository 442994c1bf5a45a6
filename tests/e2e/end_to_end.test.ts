import assert from "node:assert/strict";
import http from "node:http";
import type { AddressInfo } from "node:net";
import { systemClock } from "../../src/async/clock.ts";
import { Secret } from "../../src/config/secret.ts";
import type { Settings, SourceSettings } from "../../src/config/settings.ts";
import { createConnector } from "../../src/connector.ts";
import type { ConnectorEvent } from "../../src/observe/events.ts";
import { startRelay } from "../../src/relay/relay.ts";
import { test, type TestContext } from "../support/test.ts";

const tls = { verify: true, ca: undefined, cert: undefined, key: undefined };

async function startTarget(t: TestContext) {
  const got: {
    method: string;
    url: string;
    headers: http.IncomingHttpHeaders;
    body: Uint8Array;
  }[] = [];
  const server = http.createServer((request, response) => {
    const chunks: Uint8Array[] = [];
    request.on("data", (chunk) => chunks.push(chunk));
    request.on("end", () => {
      const { method = "", url = "", headers } = request;
      got.push({ method, url, headers, body: Buffer.concat(chunks) });
      response.end("ok");
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.defer(() => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  });
  const { port } = server.address() as AddressInfo;
  return { got, url: new URL(`http://127.0.0.1:${port}/hooks`) };
}

function settings(relayUrl: string, target: URL, protocol: SourceSettings["protocol"]): Settings {
  return {
    source: {
      url: new URL(relayUrl),
      channel: "dev",
      token: new Secret("s3cret"),
      connectorId: undefined,
      protocol,
      tls,
      reconnectDelayMs: 1_000,
      maxReconnectDelayMs: 60_000,
      reconnectBackoffMultiplier: 2,
      heartbeatTimeoutMs: 60_000,
      connectionTimeoutMs: 30_000,
      ackTimeoutMs: 30_000,
      fallbackRetryMs: 600_000,
    },
    defaultTarget: {
      name: "default",
      url: target,
      method: undefined,
      headers: [],
      timeoutMs: 30_000,
      retry: { maxAttempts: 3, delayMs: 1_000, maxDelayMs: 60_000, multiplier: 2 },
      tls,
      maxConcurrentRequests: undefined,
      legacyHeaders: false,
    },
    targets: new Map(),
    delivery: {
      maxConcurrentRequests: 10,
      maxQueueMessages: 1_000,
      maxQueueBytes: 64 << 20,
      shutdownGraceMs: 30_000,
      dedupMaxMessages: 10_000,
      dedupWindowMs: 3_600_000,
    },
    log: { level: "info", format: "auto" },
    statusListen: undefined,
    exitOnAuthFailure: true,
  };
}

for (const protocol of ["websocket", "sse", "long_poll"] as const) {
  test(`[${protocol}] a posted webhook reaches the target byte for byte and is acknowledged`, async (t) => {
    const target = await startTarget(t);
    const relay = await startRelay({
      hostname: "127.0.0.1",
      port: 0,
      clock: systemClock,
      observe: () => {},
      heartbeatMs: 30_000,
      channels: [{
        name: "dev",
        token: "s3cret",
        webhookIds: ["hook"],
        ttlMs: 86_400_000,
        maxMessages: 10_000,
        maxConnections: 10,
        maxInFlight: 100,
        ackTimeoutMs: 30_000,
        maxDeliveries: 10,
        maxBodyBytes: 10 << 20,
      }],
    });
    t.defer(() => relay.stop(1_000));
    const confirmed: string[] = [];
    let allConfirmed = () => {};
    const isDone = new Promise<void>((resolve) => allConfirmed = resolve);
    const seen: ConnectorEvent[] = [];
    const drain = new AbortController();
    const connector = createConnector(settings(relay.url, target.url, protocol), {
      clock: systemClock,
      random: Math.random,
      observe(event) {
        seen.push(event);
        if (event.type !== "settlement.confirmed") return;
        assert.equal(event.verdict, "ack");
        confirmed.push(event.messageId);
        if (confirmed.length === 3) allConfirmed();
      },
    });
    const running = connector.run({ drain: drain.signal, abort: new AbortController().signal });

    const bodies = ['{"n": 1.10, "é": "\\u00e9"}', "", "\u0000\u0001 plain"];
    for (const body of bodies) {
      const response = await fetch(`${relay.url}/webhook/hook/a/b?x=%2F&y`, {
        method: "PUT",
        body,
      });
      assert.equal(response.status, 202, await response.clone().text());
      await response.body?.cancel();
    }
    await isDone;
    drain.abort();
    assert.deepEqual(await running, { abandoned: 0 });

    assert.deepEqual(
      target.got.map(({ body }) => new TextDecoder().decode(body)).sort(),
      [...bodies].sort(),
    );
    for (const { method, url, headers } of target.got) {
      assert.equal(`${method} ${url}`, "PUT /hooks/a/b?x=%2F&y");
      assert.match(String(headers["x-webhook-message-id"]), /^msg_[0-9a-f]{16}$/);
    }
    const stats = relay.registry.named("dev")?.channel.store.stats();
    assert.equal(stats?.delivered, 3);
    assert.equal(stats?.inFlight, 0);
    const count = (type: ConnectorEvent["type"]) =>
      seen.filter((event) => event.type === type).length;
    assert.equal(count("stream.connected"), 1);
    assert.equal(count("stream.failed"), 0);
  });
}
