/** `protocol: auto`: the best transport that gets through, and back to the better one later. */
import assert from "node:assert/strict";
import type { ConnectorEvent } from "../../src/observe/events.ts";
import { eventLevel } from "../../src/observe/event_level.ts";
import { startGate } from "../support/gate.ts";
import { ManualClock } from "../support/manual_clock.ts";
import { publish, settings, startConnector, startDevRelay, startTarget } from "../support/rig.ts";
import { test } from "../support/test.ts";

function transports(events: readonly ConnectorEvent[]): string[] {
  return events.flatMap((event) => event.type === "stream.connected" ? [event.transport] : []);
}

function changes(events: readonly ConnectorEvent[]) {
  return events.flatMap((event) =>
    event.type === "stream.transport_changed"
      ? [[event.from, event.to, event.cause, eventLevel(event)]]
      : []
  );
}

for (
  const [blocked, expected] of [[["websocket"], "sse"], [
    ["websocket", "sse"],
    "long_poll",
  ]] as const
) {
  test(`auto: without ${blocked.join(" and ")} it goes on over ${expected}, at once`, async (t) => {
    const target = await startTarget(t);
    const relay = await startDevRelay(t);
    const url = await startGate(t, relay.url, new Set(blocked));
    const run = startConnector(t, settings(url, target.url, "auto"));
    await run.happened("stream.connected");
    assert.deepEqual(transports(run.events), [expected]);
    for (const event of run.events) {
      if (event.type !== "stream.failed") continue;
      assert.equal(event.failureClass, "protocol");
      assert.equal(event.retryInMs, 0);
    }
    await publish(relay, "x");
    await run.happened("settlement.confirmed");
  });
}

test("auto: the better transport is taken when it gets through again, without a gap and without loss", async (t) => {
  const clock = new ManualClock();
  const target = await startTarget(t);
  const relay = await startDevRelay(t);
  const blocked = new Set(["websocket"]);
  const url = await startGate(t, relay.url, blocked);
  const given = settings(url, target.url, "auto", { fallback_retry: 10 });
  const run = startConnector(t, given, { clock });
  await run.happened("stream.connected");
  await clock.advance(10_000);
  blocked.clear();
  await publish(relay, "1");
  await run.happened("settlement.confirmed");
  // If the first try back still met the block, the next comes after twice the time.
  await clock.advance(20_000);
  await run.happened("stream.connected", 2);
  assert.deepEqual(transports(run.events), ["sse", "websocket"]);
  assert.deepEqual(changes(run.events), [
    ["websocket", "sse", "blocked", "warning"],
    ["sse", "websocket", "better", "info"],
  ]);
  const left = run.events.find((event) => event.type === "stream.disconnected");
  assert.equal(left && eventLevel(left), "info");
  assert.ok(
    !run.events.some((event) =>
      event.type === "stream.failed" && event.failureClass !== "protocol"
    ),
  );
  await publish(relay, "2");
  await run.happened("settlement.confirmed", 2);
  assert.equal(target.got.length, 2);
});

test("auto: a refused token is no reason to try another transport", async (t) => {
  const relay = await startDevRelay(t);
  const given = settings(relay.url, new URL("http://127.0.0.1:1/"), "auto", {
    token: "wrong-token",
    exit_on_auth_failure: false,
  });
  const run = startConnector(t, given);
  await run.happened("stream.failed", 3);
  const tried = run.events.flatMap((event) =>
    event.type === "stream.failed" ? [event.transport] : []
  );
  assert.deepEqual(new Set(tried), new Set(["websocket"]));
});
