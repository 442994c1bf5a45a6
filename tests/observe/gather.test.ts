import assert from "node:assert/strict";
import type { ConnectorEvent } from "../../src/observe/events.ts";
import { gatherEvents } from "../../src/observe/gather.ts";
import { ManualClock } from "../support/manual_clock.ts";
import { test } from "../support/test.ts";

function settled(messageId: string): ConnectorEvent {
  return { type: "settlement.confirmed", messageId, verdict: "ack", retry: false };
}
const resumed: ConnectorEvent = { type: "connector.resumed" };

function start(clock: ManualClock) {
  const seen: [look: string, event: string, at: number][] = [];
  const look = (name: string) => (event: ConnectorEvent) =>
    seen.push([
      name,
      "messageId" in event ? event.messageId ?? "" : event.type,
      gathering.clock.now(),
    ]);
  const gathering = gatherEvents(clock);
  const observe = gathering.observedBy([look("a")], [look("b")]);
  return { ...gathering, observe, look, seen };
}

test("events of every webhook wait a moment, and are then seen by each look in order, with the time at which they were", async () => {
  const clock = new ManualClock(1_000);
  const { observe, seen } = start(clock);
  observe(settled("1"));
  await clock.advance(3);
  observe(settled("2"));
  assert.deepEqual(seen, []);
  await clock.advance(17);
  assert.deepEqual(seen, [["a", "1", 1_000], ["a", "2", 1_003], ["b", "1", 1_000], [
    "b",
    "2",
    1_003,
  ]]);
  assert.equal(clock.pending, 0);
});

test("who looks is told the time of the event by both clocks", async () => {
  const clock = new ManualClock(1_000);
  const gathering = gatherEvents(clock);
  const { monotonic, now } = gathering.clock;
  const before = clock.monotonic();
  const seen: [at: number, passed: number][] = [];
  const observe = gathering.observedBy([() => seen.push([now(), monotonic() - before])]);
  observe(settled("1"));
  await clock.advance(3);
  observe(settled("2"));
  await clock.advance(17);
  assert.deepEqual(seen, [[1_000, 0], [1_003, 3]]);
  assert.equal(monotonic() - before, 20);
});

test("anything else is seen when it happens, with what came before it", async () => {
  const clock = new ManualClock(0);
  const { observe, seen } = start(clock);
  observe(settled("1"));
  await clock.advance(3);
  observe(resumed);
  assert.deepEqual(seen.slice(0, 2), [["a", "1", 0], ["a", "connector.resumed", 3]]);
  assert.equal(clock.pending, 0);
});

test("whoever reads has all of them looked at first; 1,000 wait for nobody", () => {
  const clock = new ManualClock(0);
  const { observe, flush, seen, clock: time } = start(clock);
  observe(settled("1"));
  flush();
  assert.equal(seen.length, 2);
  flush();
  assert.equal(seen.length, 2);
  for (let n = 0; n < 1_000; n++) observe(settled(String(n)));
  assert.equal(seen.length, 2_002);
  assert.equal(clock.pending, 0);
  assert.equal(time.now(), clock.now());
});

test("what is told to different lookers is seen by its own, in the order of all", () => {
  const clock = new ManualClock(0);
  const { observe, observedBy, look, seen } = start(clock);
  const looks = [look("c")];
  const other = observedBy(looks);
  observe(settled("1"));
  observe(settled("2"));
  other(settled("3"));
  looks.push(look("d"));
  observe(resumed);
  assert.deepEqual(
    seen.map(([name, event]) => `${name} ${event}`),
    ["a 1", "a 2", "b 1", "b 2", "c 3", "d 3", "a connector.resumed", "b connector.resumed"],
  );
});

test("what a look tells while it looks is looked at, and what is under way goes on", () => {
  const gathering = gatherEvents(new ManualClock(0));
  const seen: string[] = [];
  const observe = gathering.observedBy([
    (event) => {
      seen.push("messageId" in event ? `a ${event.messageId}` : `a ${event.type}`);
      if (seen.length === 1) {
        observe(settled("3"));
        observe(resumed);
        observe(settled("4"));
      }
    },
    (event) => seen.push("messageId" in event ? `b ${event.messageId}` : `b ${event.type}`),
  ]);
  observe(settled("1"));
  observe(settled("2"));
  gathering.flush();
  gathering.flush();
  assert.deepEqual(seen, [
    ...["a 1", "a 3", "a connector.resumed", "b 3", "b connector.resumed", "a 2", "b 1", "b 2"],
    ...["a 4", "b 4"],
  ]);
});
