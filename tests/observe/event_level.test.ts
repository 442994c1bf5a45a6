import assert from "node:assert/strict";
import type { ConnectorEvent } from "../../src/observe/events.ts";
import { eventLevel } from "../../src/observe/event_level.ts";
import { closeCodes } from "../../src/protocol/close_codes.ts";
import { publish, settings, startConnector, startDevRelay, startTarget } from "../support/rig.ts";
import { test } from "../support/test.ts";

function ends(events: readonly ConnectorEvent[]) {
  return events.flatMap((event) =>
    event.type === "stream.disconnected" ? [[event.reason, event.by, eventLevel(event)]] : []
  );
}

for (const protocol of ["websocket", "sse", "long_poll"] as const) {
  test(`[${protocol}] nothing is a warning where somebody pauses, resumes, changes settings and stops`, async (t) => {
    const relay = await startDevRelay(t);
    const gate = Promise.withResolvers<number>();
    const target = await startTarget(t, () => gate.promise);
    const given = settings(relay.url, target.url, protocol);
    const run = startConnector(t, given);
    const { pause } = run.connector;
    await run.happened("stream.connected");
    pause.pause();
    await run.happened("stream.disconnected");
    pause.resume();
    await publish(relay, "in hand");
    await target.arrived(1);
    pause.pause();
    pause.resume();
    await run.happened("stream.connected", 3);
    run.connector.apply({ ...given, source: { ...given.source, heartbeatTimeoutMs: 40_000 } });
    await run.happened("stream.connected", 4);
    gate.resolve(200);
    await run.happened("settlement.confirmed");
    run.drain.abort();
    await run.ended;
    const reasons = ["paused", "the pause is over", "the settings have changed", "stopped"];
    assert.deepEqual(ends(run.events), reasons.map((reason) => [reason, "connector", "info"]));
    const others = run.events.filter((event) => !["info", "debug"].includes(eventLevel(event)));
    assert.deepEqual(others, []);
  });
}

for (const protocol of ["websocket", "sse"] as const) {
  test(`[${protocol}] that the relay ends a stream is a warning`, async (t) => {
    const relay = await startDevRelay(t);
    const target = await startTarget(t);
    const run = startConnector(t, settings(relay.url, target.url, protocol));
    await run.happened("stream.connected");
    const channel = relay.registry.named("dev")?.channel;
    channel?.subscribers[0]?.disconnect(closeCodes.goingAway, "not now");
    await run.happened("stream.disconnected");
    assert.deepEqual(ends(run.events).map(([, ...who]) => who), [["relay_or_network", "warning"]]);
  });
}
