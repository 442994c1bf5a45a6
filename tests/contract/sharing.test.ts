/** Several connectors on one channel. */
import assert from "node:assert/strict";
import { messageWith } from "../support/message.ts";
import { openSocket } from "../support/old_client.ts";
import { publish, settings, startConnector, startDevRelay, startTarget } from "../support/rig.ts";
import { test } from "../support/test.ts";

const encoder = new TextEncoder();

for (const protocol of ["websocket", "sse", "long_poll"] as const) {
  test(`[${protocol}] two connectors get 50 ± 10 % of 10,000 messages, none twice`, async (t) => {
    const relay = await startDevRelay(t);
    let delivered = 0;
    let allDelivered = () => {};
    const all = new Promise<void>((resolve) => allDelivered = resolve);
    const count = () => {
      if (++delivered === 10_000) allDelivered();
      return 200;
    };
    const targets = [await startTarget(t, count), await startTarget(t, count)];
    const runs = targets.map(({ url }) =>
      startConnector(t, settings(relay.url, url, protocol, { max_queue_messages: 50 }))
    );
    await Promise.all(runs.map((run) => run.happened("stream.connected")));
    const channel = relay.registry.named("dev")?.channel;
    assert.ok(channel);
    // Straight into the channel: what is measured here is how it is shared out, not how it came in.
    for (let i = 0; i < 10_000; i++) {
      await channel.publish(messageWith({ id: `m${i}`, body: encoder.encode(String(i)) }));
    }
    await all;
    for (const { got } of targets) {
      assert.ok(
        got.length >= 4_000 && got.length <= 6_000,
        targets.map(({ got }) => got.length).join(),
      );
    }
    const bodies = targets.flatMap(({ got }) =>
      got.map(({ body }) => new TextDecoder().decode(body))
    );
    assert.equal(new Set(bodies).size, 10_000);
  });
}

test("a connector that never acknowledges costs the other nothing but its own window", async (t) => {
  const relay = await startDevRelay(t, { maxInFlight: 5 });
  const mute = await openSocket(t, relay);
  await mute.frame(0);
  const target = await startTarget(t);
  const run = startConnector(t, settings(relay.url, target.url, "websocket"));
  await run.happened("stream.connected");
  for (let i = 0; i < 200; i++) await publish(relay, String(i));
  await run.happened("settlement.confirmed", 195);
  // The other five are with the mute one, or one of them still here.
  assert.ok(target.got.length >= 195);
  // When it goes, what it had is delivered by the other.
  mute.socket.terminate();
  await run.happened("settlement.confirmed", 200);
});

test("a connector that lowers its window gets no more than that", async (t) => {
  const relay = await startDevRelay(t);
  const { frame } = await openSocket(t, relay, {
    "Authorization": "Bearer s3cret",
    "X-Max-In-Flight": "3",
  });
  await frame(0);
  for (let i = 0; i < 10; i++) await publish(relay, String(i));
  await frame(3);
  assert.equal(relay.registry.named("dev")?.channel.stats.inFlight, 3);
});
