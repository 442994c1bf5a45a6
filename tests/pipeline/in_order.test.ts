import assert from "node:assert/strict";
import type { Envelope, Lifetime, Outcome } from "../../src/flow.ts";
import type { ConnectorEvent } from "../../src/observe/events.ts";
import type { Handle } from "../../src/pipeline/handle.ts";
import { inOrder } from "../../src/pipeline/in_order.ts";
import { parseOrdering } from "../../src/protocol/ordering.ts";
import { envelopeWith } from "../support/message.ts";
import { settle } from "../support/manual_clock.ts";
import { test } from "../support/test.ts";

const delivered: Outcome = { kind: "delivered" };
const reason = { code: "status", message: "no" } as const;

function envelope(id: string, key: string | undefined): Envelope {
  return envelopeWith({ id, headers: key === undefined ? [] : [["X-Key", key]] });
}

function ordered(rule = "key:header:x-key", maxLaneMessages = 10) {
  const ordering = parseOrdering(rule);
  assert.ok(ordering);
  const abort = new AbortController();
  const life: Lifetime = { drain: abort.signal, abort: abort.signal };
  const begun: string[] = [];
  const ends = new Map<string, (outcome: Outcome) => void>();
  const events: ConnectorEvent[] = [];
  const handle: Handle = ({ id }) => {
    begun.push(id);
    return new Promise((resolve) => ends.set(id, resolve));
  };
  const inLanes = inOrder(handle, {
    ordering,
    maxLaneMessages,
    observe: (event) => events.push(event),
  });
  const came = new Map<string, Outcome>();
  return {
    abort,
    begun,
    events,
    came,
    async add(id: string, key: string | undefined) {
      void inLanes(envelope(id, key), life).then((outcome) => came.set(id, outcome));
      await settle();
    },
    async end(id: string, outcome: Outcome = delivered) {
      ends.get(id)?.(outcome);
      await settle();
    },
  };
}

test("messages of one key go one at a time in the order they came; keys go side by side", async () => {
  const { add, end, begun } = ordered();
  for (const [id, key] of [["a1", "a"], ["a2", "a"], ["b1", "b"], ["a3", "a"]] as const) {
    await add(id, key);
  }
  assert.deepEqual(begun, ["a1", "b1"]);
  await end("a1");
  assert.deepEqual(begun, ["a1", "b1", "a2"]);
  await end("a2");
  assert.deepEqual(begun, ["a1", "b1", "a2", "a3"]);
  await end("a3");
  await add("a4", "a");
  assert.equal(begun.at(-1), "a4");
});

test("a message without the key waits for nobody", async () => {
  const { add, begun } = ordered();
  for (const id of ["1", "2", "3"]) await add(id, undefined);
  assert.deepEqual(begun, ["1", "2", "3"]);
});

test("with ordering channel there is one at a time; with none all go at once", async () => {
  const one = ordered("channel");
  await one.add("1", "a");
  await one.add("2", "b");
  assert.deepEqual(one.begun, ["1"]);
  await one.end("1");
  assert.deepEqual(one.begun, ["1", "2"]);
  const all = ordered("none");
  await all.add("1", "a");
  await all.add("2", "a");
  assert.deepEqual(all.begun, ["1", "2"]);
});

test("a message that was rejected lets the next of its key go on", async () => {
  const { add, end, begun } = ordered();
  await add("a1", "a");
  await add("a2", "a");
  await end("a1", { kind: "rejected", reason });
  assert.deepEqual(begun, ["a1", "a2"]);
});

test("what goes back takes those of its key that wait behind it along, and no other", async () => {
  const { add, end, begun, came } = ordered();
  for (const [id, key] of [["a1", "a"], ["a2", "a"], ["b1", "b"], ["a3", "a"]] as const) {
    await add(id, key);
  }
  await end("a1", { kind: "exhausted", reason, delayMs: 700 });
  assert.deepEqual(begun, ["a1", "b1"]);
  for (const id of ["a2", "a3"]) {
    const outcome = came.get(id);
    assert.ok(outcome?.kind === "deferred", id);
    assert.equal(outcome.delayMs, 700);
  }
  assert.equal(came.has("b1"), false);
});

test("a lane is bounded: what is beyond goes back untried and does not fill the connector", async () => {
  const { add, end, came, events } = ordered("key:header:x-key", 2);
  for (const id of ["a1", "a2", "a3", "a4"]) await add(id, "a");
  await add("b1", "b");
  await settle();
  const outcome = came.get("a4");
  assert.equal(outcome?.kind, "deferred");
  assert.deepEqual(events.map(({ type }) => type), ["delivery.deferred"]);
  await end("b1");
  assert.deepEqual(came.get("b1"), delivered);
});

test("the end of the connector gives back what waits for its turn", async () => {
  const { add, abort, came } = ordered();
  await add("a1", "a");
  await add("a2", "a");
  abort.abort();
  await settle();
  assert.equal(came.get("a2")?.kind, "abandoned");
});
