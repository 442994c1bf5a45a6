import assert from "node:assert/strict";
import { type Connection, StreamFailure } from "../../src/flow.ts";
import { Outbox } from "../../src/source/outbox.ts";
import { ManualClock, settle } from "../support/manual_clock.ts";
import { test } from "../support/test.ts";

test("an outbox without a connection waits for nothing, also when several sends have failed", async () => {
  const clock = new ManualClock();
  const outbox = new Outbox({
    clock,
    random: () => 0.5,
    observe: () => {},
    maxEntries: 10,
    retry: { baseMs: 1_000, capMs: 1_000, multiplier: 2, floorMs: 100 },
    onEmpty: () => {},
  });
  const broken: Connection = {
    async *[Symbol.asyncIterator]() {},
    send: () => Promise.reject(new StreamFailure("network", "no answer")),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
  outbox.attach(broken);
  for (const messageId of ["1", "2"]) {
    outbox.add({ messageId, connectionId: "c", verdict: "ack" });
    await settle();
  }
  assert.equal(clock.pending, 1);
  outbox.detach();
  assert.equal(clock.pending, 0);
});
