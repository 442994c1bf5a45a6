import assert from "node:assert/strict";
import type { ConnectorEvent } from "../../src/observe/events.ts";
import { foldMetrics } from "../../src/observe/metrics.ts";
import { foldStatus } from "../../src/observe/status.ts";
import { ManualClock } from "../support/manual_clock.ts";
import { quietNow } from "../support/quiet_now.ts";
import { test } from "../support/test.ts";

test("seconds without a stream, in /metrics and /status: an outage counts, a pause does not, nor does a clock that is set", async () => {
  const clock = new ManualClock();
  const metrics = foldMetrics({
    clock,
    build: { version: "1", runtime: "test" },
    load: () => ({
      ...{
        inHand: 0,
        inHandBytes: 0,
        oldestAgeMs: 0,
        targets: [],
        unconfirmed: { size: 0, oldestAgeMs: 0 },
        silenceMs: undefined,
      },
      ...{ deadLetters: 0, journalHealthy: 1 },
    }),
  });
  const status = foldStatus({
    ...{ clock, about: {}, targets: () => [] },
    now: quietNow,
  });
  const transport = "websocket";
  const connected: ConnectorEvent = {
    ...{ type: "stream.connected", transport, connectionId: "c", capabilities: [], downMs: 0 },
  };
  const disconnected: ConnectorEvent = {
    ...{ type: "stream.disconnected", transport, reason: "paused", by: "connector", upMs: 0 },
  };
  const steps: [ConnectorEvent, seconds: number][] = [
    [connected, 3],
    [{ type: "connector.paused" }, 3],
    [disconnected, 3],
    [{ type: "connector.resumed" }, 3],
    [connected, 4],
    [disconnected, 4],
    [{ type: "connector.paused" }, 5],
    [{ type: "connector.resumed" }, 5],
    [connected, 6],
  ];
  await clock.advance(3_000); // until the first connection
  for (const [step, [event, seconds]] of steps.entries()) {
    for (const { observe } of [metrics, status]) observe(event);
    const [, value] = /^hookferry_disconnected_seconds_total (\S+)/m.exec(await metrics.text()) ??
      [];
    const { reconnects } = status.status() as { reconnects: { disconnected_seconds: number } };
    assert.deepEqual(
      [Number(value), reconnects.disconnected_seconds],
      [seconds, seconds],
      JSON.stringify(event),
    );
    await clock.advance(1_000);
    clock.jump(step % 2 === 0 ? 259_200_000 : -3_600_000);
  }
});
