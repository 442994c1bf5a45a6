/** Other settings that need another connector: what goes on in it, and what ends with the first. */
import assert from "node:assert/strict";
import { ManualClock } from "../support/manual_clock.ts";
import { startReplaceableConnector } from "../support/replaceable_connector.ts";
import { publish, settings, startDevRelay, startTarget } from "../support/rig.ts";
import { test } from "../support/test.ts";
import { turnsUntil } from "../support/turns_until.ts";

for (const isMade of [true, false]) {
  const what = isMade
    ? "the connector that takes over"
    : "one of before, where no other can be made";
  test(`a pause goes on in ${what}, for what remains of it`, async (t) => {
    const relay = await startDevRelay(t);
    const target = await startTarget(t);
    const given = (more: Record<string, unknown>) =>
      settings(relay.url, target.url, "websocket", more);
    const pauseClock = new ManualClock();
    let made = 0;
    const { running, events } = startReplaceableConnector(t, given({}), {
      pauseClock,
      onMake() {
        if (++made === 2 && !isMade) throw new Error("no room");
      },
    });
    const before = running.connector;
    before.pause.pause(60_000);
    await pauseClock.advance(50_000);
    const applied = running.apply(given({ ordering: "channel" }));
    await (isMade ? applied : assert.rejects(applied, /no room/));
    assert.notEqual(running.connector, before);
    await publish(relay, "meanwhile");
    await pauseClock.advance(9_000);
    assert.ok(running.connector.pause.isPaused);
    await pauseClock.advance(1_000);
    await target.arrived(1);
    const told = events.map(({ type }) => type);
    const order = ["connector.paused", "connector.resumed", "delivery.received"];
    assert.deepEqual(told.filter((type) => order.includes(type)), order);
  });
}

test("a breaker that is open when its connector is replaced is told as closed", async (t) => {
  const relay = await startDevRelay(t);
  const given = (more: Record<string, unknown>) =>
    settings(relay.url, new URL("http://127.0.0.1:1/"), "websocket", {
      default_target: {
        retry_enabled: false,
        breaker: { consecutive_failures: 1, open_seconds: 1_000 },
      },
      ...more,
    });
  const { running, events } = startReplaceableConnector(t, given({}));
  const states = () =>
    events.flatMap((event) => event.type === "breaker.changed" ? [event.state] : []);
  await publish(relay, "fails");
  await turnsUntil(() => states().length === 1);
  await running.apply(given({ ordering: "channel" }));
  assert.deepEqual(states().slice(0, 2), ["open", "closed"]);
});
