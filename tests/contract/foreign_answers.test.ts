/** Between connector and relay something else answers: a maintenance page, a captive portal. */
import assert from "node:assert/strict";
import { StreamFailure } from "../../src/flow.ts";
import { startFront } from "../support/front.ts";
import { publish, settings, startConnector, startDevRelay, startTarget } from "../support/rig.ts";
import { test } from "../support/test.ts";

test("[long_poll] a page in the relay's place is no connection", async (t) => {
  const relay = await startDevRelay(t);
  const url = await startFront(t, relay.url, () => true);
  const given = settings(url, new URL("http://127.0.0.1:1/"), "long_poll", {
    max_connect_attempts: 3,
  });
  const run = startConnector(t, given);
  await assert.rejects(run.ended, (error) => {
    assert.ok(error instanceof StreamFailure);
    assert.match(error.message, /cannot poll the relay at .*: .* is no answer of a relay/);
    assert.match(error.message, /<!doctype html><title>We are back soon/);
    return true;
  });
  assert.ok(!run.events.some(({ type }) => type === "stream.connected"));
});

test("[long_poll] a page that comes instead of the next answer ends the connection", async (t) => {
  const relay = await startDevRelay(t);
  const target = await startTarget(t);
  let isForeign = false;
  const url = await startFront(t, relay.url, () => isForeign);
  const run = startConnector(t, settings(url, target.url, "long_poll", { poll_timeout: 1 }));
  await run.happened("stream.connected");
  isForeign = true;
  await run.happened("stream.failed", 2);
  isForeign = false;
  await run.happened("stream.connected", 2);
  await publish(relay, "x");
  await run.happened("settlement.confirmed");
});

for (const status of [200, 404]) {
  test(`[sse] a page with ${status} confirms no settlement`, async (t) => {
    const relay = await startDevRelay(t);
    const target = await startTarget(t);
    let isForeign = true;
    const url = await startFront(
      t,
      relay.url,
      (path) => isForeign && path.startsWith("/connect/ack"),
      status,
    );
    const run = startConnector(t, settings(url, target.url, "sse"));
    await publish(relay, "x");
    await run.happened("settlement.failed");
    const { inFlight } = relay.registry.named("dev")?.channel.stats ?? {};
    assert.equal(inFlight, 1);
    isForeign = false;
    await run.happened("settlement.confirmed");
    assert.equal(relay.registry.named("dev")?.channel.stats.delivered, 1);
  });
}
