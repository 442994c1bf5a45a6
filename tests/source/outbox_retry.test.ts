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
    confirmTimeoutMs: 5_000,
    onConfirmed: () => {},
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

test("what the relay does not confirm in time is told again over the same connection", async () => {
  const clock = new ManualClock();
  const confirmed: string[] = [];
  const outbox = new Outbox({
    clock,
    random: () => 0.5,
    observe: () => {},
    maxEntries: 10,
    retry: { baseMs: 1_000, capMs: 1_000, multiplier: 2, floorMs: 100 },
    confirmTimeoutMs: 5_000,
    onConfirmed: (ids) => confirmed.push(...ids),
    onEmpty: () => {},
  });
  const sent: string[][] = [];
  outbox.attach({
    async *[Symbol.asyncIterator]() {},
    send(frame) {
      if (frame.type === "settle") sent.push(frame.settlements.map(({ messageId }) => messageId));
      return Promise.resolve([]);
    },
    [Symbol.asyncDispose]: () => Promise.resolve(),
  });
  outbox.add({ messageId: "1", connectionId: "c", verdict: "ack" });
  await clock.advance(4_000);
  outbox.add({ messageId: "2", connectionId: "c", verdict: "ack" });
  await clock.advance(1_500);
  assert.deepEqual([outbox.size, outbox.oldestAgeMs], [2, 5_500]);
  assert.deepEqual(sent, [["1"], ["2"], ["1"]]);
  outbox.confirm(["1"]);
  assert.deepEqual([outbox.size, outbox.oldestAgeMs], [1, 1_500]);
  await clock.advance(10_000);
  assert.deepEqual(sent.slice(3), [["2"], ["2"]]);
  outbox.confirm(["2"]);
  assert.deepEqual(confirmed, ["1", "2"]);
  await clock.advance(10_000);
  assert.deepEqual([outbox.size, outbox.oldestAgeMs], [0, 0]);
  assert.equal(sent.length, 5);
  assert.equal(clock.pending, 0);
});
