/** Webhooks of which the connector can hold few at a time. */
import assert from "node:assert/strict";
import http from "node:http";
import type { AddressInfo } from "node:net";
import { settle } from "../support/manual_clock.ts";
import { settings, startConnector, startDevRelay, startTarget } from "../support/rig.ts";
import type { Relay } from "../../src/relay/relay.ts";
import { test } from "../support/test.ts";
import { turnsUntil } from "../support/turns_until.ts";

async function post(relay: Relay, bytes: number): Promise<void> {
  const body = new Uint8Array(bytes).fill(0x61);
  const answer = await fetch(`${relay.url}/webhook/hook`, { method: "POST", body });
  await answer.body?.cancel();
  assert.equal(answer.status, 202);
}

for (const protocol of ["websocket", "sse", "long_poll"] as const) {
  test(`[${protocol}] a connector is given no more bytes than it can take in hand`, async (t) => {
    const relay = await startDevRelay(t);
    const answers: (() => void)[] = [];
    t.defer(() => answers.forEach((answer) => answer()));
    const target = await startTarget(t, async () => {
      await new Promise<void>((resolve) => answers.push(resolve));
      return 200;
    });
    for (let n = 0; n < 6; n++) await post(relay, 9_000);
    const given = settings(relay.url, target.url, protocol, { max_queue_bytes: 25_000 });
    const run = startConnector(t, given);
    const stats = () => {
      const { queued, inFlight } = relay.registry.named("dev")?.channel.stats ?? {};
      return { queued, inFlight, inHand: run.connector.inHand.messages };
    };
    for (let settled = 0; settled < 4; settled++) {
      await target.arrived(settled + 2);
      await turnsUntil(() => stats().inFlight === 2);
      await settle();
      // What waited behind it in a buffer would have a lease that nobody extends.
      assert.deepEqual(stats(), { queued: 4 - settled, inFlight: 2, inHand: 2 });
      answers[settled]?.();
    }
    await target.arrived(6);
    answers.forEach((answer) => answer());
    await run.happened("settlement.confirmed", 6);
    assert.equal(target.got.length, 6);
  });
}

test("[long_poll] an answer of the relay ends at eight megabytes of bodies", async (t) => {
  const relay = await startDevRelay(t);
  for (let n = 0; n < 4; n++) await post(relay, 5_000_000);
  const sizes: number[] = [];
  for (let n = 0; n < 2; n++) {
    const answer = await fetch(`${relay.url}/connect/stream/dev/poll?max_messages=100`, {
      headers: { Authorization: "Bearer s3cret", "X-Connector-Id": "k1" },
    });
    sizes.push((await answer.json()).messages.length);
  }
  assert.deepEqual(sizes, [2, 2]);
});

test("[long_poll] of a relay whose answers are too large fewer messages are asked for", async (t) => {
  const asked: number[] = [];
  const server = http.createServer((request, response) => {
    const url = new URL(request.url ?? "", "http://relay");
    const most = Number(url.searchParams.get("max_messages"));
    asked.push(most);
    if (most <= 25) return void response.writeHead(204).end();
    response.writeHead(200, { "Content-Type": "application/json" });
    const chunk = new Uint8Array(1024 * 1024).fill(0x20);
    const write = () => {
      while (!response.destroyed) if (!response.write(chunk)) return;
    };
    response.on("drain", write);
    write();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.defer(() => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const run = startConnector(t, settings(url, new URL("http://127.0.0.1:1/"), "long_poll"));
  await run.happened("stream.connected");
  assert.deepEqual(asked.slice(0, 3), [100, 50, 25]);
});

test("[long_poll] two messages that together are more than a connector reads of one answer come one after the other", async (t) => {
  const relay = await startDevRelay(t);
  const target = await startTarget(t);
  for (const bytes of [7_000_000, 10_000_000]) {
    const body = new Uint8Array(bytes).fill(0x01); // six characters each
    const answer = await fetch(`${relay.url}/webhook/hook`, { method: "POST", body });
    await answer.body?.cancel();
  }
  const run = startConnector(t, settings(relay.url, target.url, "long_poll"));
  await run.happened("settlement.confirmed", 2);
  assert.equal(run.events.find(({ type }) => type === "stream.failed"), undefined);
  assert.deepEqual(target.got.map(({ body }) => body.length), [7_000_000, 10_000_000]);
});
