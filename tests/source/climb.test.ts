import assert from "node:assert/strict";
import { StreamFailure, type Transport } from "../../src/flow.ts";
import { climb } from "../../src/source/climb.ts";
import { ManualClock } from "../support/manual_clock.ts";
import { test } from "../support/test.ts";

test("a better transport is tried at ever longer intervals, and every hour in the end", async () => {
  const clock = new ManualClock();
  const blocked: Transport = {
    name: "websocket",
    connect: () => Promise.reject(new StreamFailure("protocol", "blocked")),
  };
  const transports = {
    current: { ...blocked, name: "sse" } as Transport,
    better: [blocked],
    blocked: () => "only_one" as const,
    climbTo() {},
  };
  const options = {
    ...{ transports, fallbackRetryMs: 600_000, clock },
    ...{ connectionTimeoutMs: 1_000, heartbeatTimeoutMs: 60_000, onHeard() {}, dropIdle() {} },
  };
  const stop = climb(options, new AbortController().signal, () => assert.fail("nothing opens"));
  const waits: number[] = [];
  for (let n = 0; n < 6; n++) {
    const waitMs = clock.nextDelayMs ?? 0;
    waits.push(waitMs / 60_000);
    await clock.advance(waitMs);
  }
  assert.deepEqual(waits, [10, 20, 40, 60, 60, 60]);
  stop();
});
