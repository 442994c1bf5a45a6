/** Requirements 6 and 18: TLS settings hold for the stream, for acks and for targets. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import type { ConnectorEvent } from "../../src/observe/events.ts";
import { messageWith } from "../support/message.ts";
import { publish, settings, startConnector, startDevRelay, startTarget } from "../support/rig.ts";
import { test, type TestContext } from "../support/test.ts";
import { certPath, startTlsFront } from "../support/tls_front.ts";

const ca = { ca_cert_path: certPath("ca") };
const identity = {
  client_cert_path: certPath("client"),
  client_key_path: certPath("client_key"),
};

async function startBehindTls(
  t: TestContext,
  protocol: "websocket" | "sse" | "long_poll",
  { source, target }: { source: Record<string, unknown>; target: Record<string, unknown> },
) {
  const plainTarget = await startTarget(t);
  const relay = await startDevRelay(t);
  const secureRelay = await startTlsFront(t, new URL(relay.url));
  const secureTarget = await startTlsFront(t, plainTarget.url);
  // Nothing is tried again: a name that is being looked up at the end of a test cannot be called back.
  const given = settings(secureRelay.href, secureTarget, protocol, {
    ...{ reconnect_delay: 600, max_reconnect_delay: 600 },
    ...source,
    default_target: { retry_delay_seconds: 600, retry_max_delay_seconds: 600, ...target },
  });
  return { relay, target: plainTarget, run: startConnector(t, given) };
}

function first<Type extends ConnectorEvent["type"]>(
  events: readonly ConnectorEvent[],
  type: Type,
): Extract<ConnectorEvent, { type: Type }> {
  const found = events.find((event) => event.type === type);
  assert.ok(found, `no ${type}`);
  return found as Extract<ConnectorEvent, { type: Type }>;
}

for (const protocol of ["websocket", "sse", "long_poll"] as const) {
  const tlsTest = (name: string, body: Parameters<typeof test>[1]) =>
    test(`requirements 6, 18: [${protocol}] ${name}`, body);

  tlsTest("a private CA and a client certificate serve stream, ack and delivery", async (t) => {
    const { relay, target, run } = await startBehindTls(t, protocol, {
      source: { ...ca, ...identity },
      target: { ...ca, ...identity },
    });
    await run.happened("stream.connected");
    await publish(relay, "x");
    await run.happened("settlement.confirmed");
    assert.equal(target.got.length, 1);
    assert.equal(relay.registry.named("dev")?.channel.stats.delivered, 1);
  });

  test(`[${protocol}] our relay serves TLS itself`, async (t) => {
    const target = await startTarget(t);
    const pem = (name: string) => readFileSync(certPath(name), "utf8");
    const relay = await startDevRelay(t, {}, {
      tls: { cert: pem("server"), key: pem("server_key") },
    });
    const url = relay.url.replace("127.0.0.1", "localhost");
    assert.match(url, /^https:/);
    const run = startConnector(t, settings(url, target.url, protocol, ca));
    await run.happened("stream.connected");
    await relay.registry.named("dev")?.channel.publish(messageWith({}));
    await run.happened("settlement.confirmed");
    assert.equal(target.got.length, 1);
  });

  tlsTest("verification can be switched off for the relay alone", async (t) => {
    const { relay, run } = await startBehindTls(t, protocol, {
      source: { verify_ssl: false, allow_insecure: true, ...identity },
      target: identity,
    });
    await run.happened("stream.connected");
    await publish(relay, "x");
    await run.happened("delivery.retrying");
    const { reason } = first(run.events, "delivery.retrying");
    assert.equal(reason.code, "tls", reason.message);
  });

  tlsTest("verification can be switched off for the target alone", async (t) => {
    const { relay, run } = await startBehindTls(t, protocol, {
      source: { ...ca, ...identity },
      target: { verify_ssl: false, ...identity },
    });
    await run.happened("stream.connected");
    await publish(relay, "x");
    await run.happened("settlement.confirmed");
  });

  tlsTest("the wrong CA fails and the message says so", async (t) => {
    const { run } = await startBehindTls(t, protocol, {
      source: { ca_cert_path: certPath("other_ca"), ...identity },
      target: {},
    });
    await run.happened("stream.failed");
    assert.match(first(run.events, "stream.failed").message, /not signed by a CA that is trusted/);
  });

  tlsTest("a missing client certificate fails, at the relay and at the target", async (t) => {
    const without = await startBehindTls(t, protocol, { source: ca, target: {} });
    await without.run.happened("stream.failed");
    assert.match(
      first(without.run.events, "stream.failed").message,
      /demands a client certificate/,
    );

    const atTarget = await startBehindTls(t, protocol, {
      source: { ...ca, ...identity },
      target: ca,
    });
    await atTarget.run.happened("stream.connected");
    await publish(atTarget.relay, "x");
    await atTarget.run.happened("delivery.retrying");
    const { reason } = first(atTarget.run.events, "delivery.retrying");
    assert.match(reason.message, /demands a client certificate/);
    assert.equal(atTarget.target.got.length, 0);
  });
}
