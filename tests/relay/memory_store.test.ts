import assert from "node:assert/strict";
import { MemoryStore } from "../../src/relay/memory_store.ts";
import { test } from "../support/test.ts";

function message(id: string, webhookId = "hook") {
  return {
    id,
    webhookId,
    receivedAt: new Date(0).toISOString(),
    method: "POST",
    path: "",
    headers: [],
    body: new Uint8Array(),
  };
}

const newStore = (maxMessages = 10) => new MemoryStore({ maxMessages, maxDeadLetters: 4 });

test("messages come in sequence; what is released comes again when its time is there", async () => {
  const store = newStore();
  assert.equal(await store.append(message("a"), 1e6, 0), 1);
  assert.equal(await store.append(message("b"), 1e6, 0), 2);
  assert.equal((await store.take(0))?.envelope.id, "a");
  assert.equal(await store.release("a", 500, true), true);
  assert.equal((await store.take(0))?.envelope.id, "b");
  assert.equal(await store.take(499), undefined);
  assert.equal(store.nextReadyAt(), 500);
  const again = await store.take(500);
  assert.deepEqual([again?.envelope.id, again?.deliveries, again?.envelope.deliveryCount], [
    "a",
    2,
    2,
  ]);
});

test("what has expired takes no room, is counted, and does not come up", async () => {
  const store = newStore(2);
  await store.append(message("a"), 100, 0);
  await store.append(message("b"), 200, 0);
  assert.equal(await store.append(message("c"), 300, 50), undefined);
  assert.equal(await store.append(message("c"), 300, 150), 3);
  assert.equal(store.stats(150).expired, 1);
  assert.equal((await store.take(150))?.envelope.id, "b");
  assert.equal(store.stats(1_000).expired, 2);
  assert.equal(await store.take(1_000), undefined);
  assert.deepEqual(
    [store.stats(1_000).queued, store.stats(1_000).inFlight, await store.ack("b")],
    [0, 1, true],
  );
});

test("a late ack settles what waits to be given out again, and only that", async () => {
  const store = newStore();
  await store.append(message("a"), 1e6, 0);
  await store.append(message("b"), 1e6, 0);
  await store.take(0);
  assert.equal(await store.claim("a"), false);
  await store.release("a", 0, true);
  assert.equal(await store.claim("a"), true);
  assert.equal(await store.claim("a"), false);
  assert.equal(await store.claim("unknown"), false);
  assert.equal((await store.take(0))?.envelope.id, "b");
  assert.equal(await store.take(0), undefined);
  assert.deepEqual([store.stats(0).delivered, store.stats(0).queued], [1, 0]);
});

test("dead letters are kept up to their bound, the newest first, and counts by webhook id are right", async () => {
  const store = newStore();
  for (const id of ["a", "b", "c", "d", "e"]) {
    await store.append(message(id, id < "c" ? "one" : "two"), 1e6, 0);
  }
  assert.deepEqual([...store.stats(0).pendingByWebhookId], [["one", 2], ["two", 3]]);
  for (const id of ["a", "b", "c", "d", "e"]) {
    await store.take(0);
    assert.equal(await store.bury(id, "because", 7), true);
  }
  const letters = await store.deadLetters(10);
  assert.ok(letters.length <= 4);
  assert.equal(letters[0]?.message.envelope.id, "e");
  assert.equal(store.stats(0).deadLettered, 5);
  assert.deepEqual([...store.stats(0).pendingByWebhookId], []);
});
