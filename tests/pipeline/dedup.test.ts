import assert from "node:assert/strict";
import type { Delivery, Outcome } from "../../src/flow.ts";
import { Dedup } from "../../src/pipeline/dedup.ts";
import { envelopeWith } from "../support/message.ts";
import { ManualClock } from "../support/manual_clock.ts";
import { test } from "../support/test.ts";

const reason = { code: "status", message: "no" } as const;
const delivered: Outcome = { kind: "delivered" };

function delivery(id: string): Delivery & { readonly outcomes: Outcome[] } {
  const outcomes: Outcome[] = [];
  return {
    outcomes,
    envelope: envelopeWith({ id }),
    settle: (outcome) => void outcomes.push(outcome),
  };
}

const limits = { maxMessages: 100, windowMs: 1_000 };

test("copies of a message in hand wait for its outcome, and all are settled with it", () => {
  const dedup = new Dedup(limits, new ManualClock());
  const copies = [delivery("a"), delivery("a"), delivery("a")];
  assert.deepEqual(copies.map((copy) => dedup.admit(copy)), ["new", "in_flight", "in_flight"]);
  dedup.finish("a", delivered);
  assert.deepEqual(copies.map(({ outcomes }) => outcomes), [[delivered], [delivered], [delivered]]);
});

for (const outcome of [delivered, { kind: "rejected", reason }] as const) {
  test(`a copy of a message that was ${outcome.kind} gets the same outcome again`, () => {
    const dedup = new Dedup(limits, new ManualClock());
    dedup.admit(delivery("a"));
    dedup.finish("a", outcome);
    const copy = delivery("a");
    assert.equal(dedup.admit(copy), outcome.kind);
    assert.deepEqual(copy.outcomes, [outcome]);
  });
}

for (const kind of ["exhausted", "deferred", "abandoned"] as const) {
  test(`a message that was ${kind} is really tried again when it comes again`, () => {
    const dedup = new Dedup(limits, new ManualClock());
    dedup.admit(delivery("a"));
    dedup.finish("a", { kind, reason, attempted: true, delayMs: 1 });
    assert.equal(dedup.admit(delivery("a")), "new");
  });
}

test("finished messages are forgotten after the window, and the oldest beyond the bound", async () => {
  const clock = new ManualClock();
  const dedup = new Dedup({ maxMessages: 2, windowMs: 1_000 }, clock);
  for (const id of ["a", "b", "c"]) {
    dedup.admit(delivery(id));
    dedup.finish(id, delivered);
    dedup.confirm([id]);
  }
  assert.equal(dedup.admit(delivery("a")), "new");
  assert.equal(dedup.admit(delivery("c")), "delivered");
  await clock.advance(1_001);
  assert.equal(dedup.admit(delivery("c")), "new");
});

test("what the relay is not known to have been told is remembered beyond the window", async () => {
  const clock = new ManualClock();
  const dedup = new Dedup(limits, clock);
  dedup.admit(delivery("a"));
  dedup.finish("a", delivered);
  await clock.advance(10_000);
  assert.equal(dedup.admit(delivery("a")), "delivered");
  dedup.confirm(["a"]);
  assert.equal(dedup.admit(delivery("a")), "delivered");
  await clock.advance(1_001);
  assert.equal(dedup.admit(delivery("a")), "new");
});

test("what an earlier process finished is known, and what is given up is told", () => {
  const clock = new ManualClock();
  const forgotten: string[] = [];
  const at = clock.now();
  const dedup = new Dedup(
    { maxMessages: 2, windowMs: 1_000 },
    clock,
    [
      { messageId: "old", outcome: delivered, at: at - 2_000, confirmed: true },
      { messageId: "new", outcome: delivered, at, confirmed: true },
      { messageId: "untold", outcome: delivered, at: at - 2_000, confirmed: false },
    ],
    (ids) => forgotten.push(...ids),
  );
  assert.deepEqual(forgotten, ["old"]);
  const copies = ["old", "new", "untold"].map((id) => dedup.admit(delivery(id)));
  assert.deepEqual(copies, ["new", "delivered", "delivered"]);
});

test("what was rejected, was tried again and is delivered then counts as delivered, told or not", () => {
  const dedup = new Dedup(limits, new ManualClock());
  const again = () => {
    const copy = delivery("a");
    return { ...copy, envelope: { ...copy.envelope, deliveryCount: 2 } };
  };
  dedup.admit(again());
  dedup.finish("a", { kind: "rejected", reason });
  dedup.confirm(["a"]);
  assert.equal(dedup.admit(again()), "new");
  dedup.finish("a", delivered);
  for (let told = 0; told < 2; told++) {
    const copy = again();
    assert.equal(dedup.admit(copy), "delivered");
    assert.deepEqual(copy.outcomes, [delivered]);
    dedup.confirm(["a"]);
  }
});
