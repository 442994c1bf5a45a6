import assert from "node:assert/strict";
import type { Connection, ConnectorFrame } from "../../src/flow.ts";
import { InHand } from "../../src/source/in_hand.ts";
import { envelopeWith } from "../support/message.ts";
import { ManualClock } from "../support/manual_clock.ts";
import { test } from "../support/test.ts";

test("a connection begins with the extensions that were due while there was none", async () => {
  const clock = new ManualClock();
  const inHand = new InHand(clock, () => {});
  const sent: string[] = [];
  const connection = (name: string) => ({
    send: ({ type }: ConnectorFrame) => Promise.resolve(void sent.push(`${name}: ${type}`)),
  } as unknown as Connection);
  const stopFirst = inHand.extendLeases(connection("first"), () => "c1", 30_000);
  await clock.advance(1);
  const delivery = inHand.deliver(envelopeWith({}), "c1");
  await clock.advance(19_998);
  stopFirst();
  await clock.advance(1_000);
  const stopSecond = inHand.extendLeases(connection("second"), () => "c2", 30_000);
  assert.deepEqual(sent, ["second: extend"]);
  stopSecond();
  delivery.settle({ kind: "delivered" });
});

test("leases are extended though the wall clock was set back", async () => {
  const clock = new ManualClock();
  const inHand = new InHand(clock, () => {});
  const sent: ConnectorFrame[] = [];
  const connection = {
    send: (frame: ConnectorFrame) => Promise.resolve(void sent.push(frame)),
  } as unknown as Connection;
  const delivery = inHand.deliver(envelopeWith({}), "c");
  const stop = inHand.extendLeases(connection, () => "c", 30_000);
  clock.jump(-7_200_000);
  await clock.advance(30_000);
  assert.deepEqual(sent.map(({ type }) => type), ["extend", "extend", "extend"]);
  delivery.settle({ kind: "delivered" });
  stop();
});

test("where the relay keeps what we have it is told of all of it first, and again until it could be", async () => {
  const clock = new ManualClock();
  const inHand = new InHand(clock, () => {});
  const sent: ConnectorFrame[] = [];
  let failures = 2;
  const connection = {
    send(frame: ConnectorFrame) {
      sent.push(frame);
      return failures-- > 0 ? Promise.reject(new Error("not now")) : Promise.resolve([]);
    },
  } as unknown as Connection;
  inHand.deliver(envelopeWith({ id: "in hand" }), "c");
  const stop = inHand.extendLeases(connection, () => "c", 30_000, () => ["to be told"]);
  await clock.advance(1_000);
  await clock.advance(1_000);
  await clock.advance(10_000);
  const all = ["in hand", "to be told"];
  const said = { type: "extend", connectionId: "c" };
  assert.deepEqual(sent, [
    ...Array(3).fill({ ...said, messageIds: all, isAll: true }),
    { ...said, messageIds: ["in hand"], isAll: false },
  ]);
  stop();
  assert.equal(clock.pending, 0);
});
