import assert from "node:assert/strict";
import { startOldRelay } from "../support/old_relay.ts";
import { settings, startConnector, startTarget } from "../support/rig.ts";
import { ManualClock } from "../support/manual_clock.ts";
import { HeldNacks } from "../../src/source/held_nacks.ts";
import type { Settlement } from "../../src/flow.ts";
import { test } from "../support/test.ts";

const nack = (messageId: string): Settlement => ({
  messageId,
  connectionId: "c",
  verdict: "nack",
  retry: true,
});

test("a nack is held until its time, let go early by a flush, and forgotten with its connection", async () => {
  const clock = new ManualClock();
  const told: string[] = [];
  const held = new HeldNacks(clock, ({ messageId }) => told.push(messageId));
  for (const [i, id] of ["a", "b", "c"].entries()) held.hold(nack(id), (i + 1) * 1_000);
  await clock.advance(1_500);
  assert.deepEqual(told, ["a"]);
  held.flush();
  assert.deepEqual(told, ["a", "b", "c"]);
  held.hold(nack("d"), 1_000);
  held.drop();
  await clock.advance(5_000);
  assert.deepEqual(told, ["a", "b", "c"]);
  assert.deepEqual([held.size, clock.pending], [0, 0]);
});

test("an old relay that redelivers at once is not told to before the backoff is over", async (t) => {
  const target = await startTarget(t, (n) => n === 1 ? 503 : 200);
  const relay = await startOldRelay(t);
  const run = startConnector(
    t,
    settings(relay.url, target.url, "websocket", {
      default_target: {
        retry_max_attempts: 1,
        retry_delay_seconds: 0.2,
        retry_max_delay_seconds: 0.2,
      },
    }),
  );
  relay.publish("{}");
  await run.happened("delivery.failed");
  // It went back with a delay: nothing has been said yet, and the message has left our hands.
  assert.equal(run.events.filter(({ type }) => type === "settlement.confirmed").length, 0);
  await target.arrived(2);
  await run.happened("settlement.confirmed", 2);
  await relay.until(() => relay.acked.length === 1);
});
