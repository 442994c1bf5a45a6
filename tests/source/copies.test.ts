import assert from "node:assert/strict";
import type { Outcome } from "../../src/flow.ts";
import { Dedup } from "../../src/pipeline/dedup.ts";
import { InHand } from "../../src/source/in_hand.ts";
import { envelopeWith } from "../support/message.ts";
import { ManualClock } from "../support/manual_clock.ts";
import { test } from "../support/test.ts";
import { turnsUntil } from "../support/turns_until.ts";

test("copies of a message in hand are settled with it, and keep no body meanwhile", async () => {
  const clock = new ManualClock();
  const settled: [connectionId: string, Outcome["kind"]][] = [];
  const inHand = new InHand(clock, (_, connection, { kind }) => settled.push([connection, kind]));
  const dedup = new Dedup({ maxMessages: 10, windowMs: 1_000 }, clock);
  const bodies: WeakRef<Uint8Array>[] = [];
  const take = (connectionId: string) => {
    const body = new Uint8Array(1_000_000);
    bodies.push(new WeakRef(body));
    return dedup.admit(inHand.deliver(envelopeWith({ body }), connectionId));
  };
  assert.equal(take("c0"), "new");
  for (const connection of ["c1", "c2"]) assert.equal(take(connection), "in_flight");
  let garbage: Uint8Array[] = [];
  await turnsUntil(() => {
    garbage = [...garbage.slice(-8), new Uint8Array(4_000_000)];
    return bodies.every((body) => body.deref() === undefined);
  });
  dedup.finish("m", { kind: "delivered" });
  assert.deepEqual(settled, [["c0", "delivered"], ["c1", "delivered"], ["c2", "delivered"]]);
});
