/** What every store promises: one suite, the same names. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { memoryStores } from "../../src/relay/memory_store.ts";
import { openSqliteStores } from "../../src/relay/sqlite/sqlite_stores.ts";
import type { Store, StoreLimits } from "../../src/relay/store.ts";
import { test, type TestContext } from "../support/test.ts";

function message(id: string, webhookId = "hook", body = "") {
  return {
    id,
    webhookId,
    receivedAt: new Date(0).toISOString(),
    method: "PUT",
    path: "/a?b",
    headers: [["X-A", "1"], ["x-a", "é"]] as const,
    body: new TextEncoder().encode(body),
  };
}

const limits: StoreLimits = { maxMessages: 10, maxBytes: 1_000, maxDeadLetters: 4 };

type Open = (t: TestContext, overrides?: Partial<StoreLimits>) => Store;
const kinds: [name: string, open: Open][] = [
  ["memory", (_t, overrides) => memoryStores.open("c", { ...limits, ...overrides })],
  ["sqlite", (t, overrides) => {
    const folder = mkdtempSync(join(tmpdir(), "store-"));
    const stores = openSqliteStores({ folder, durability: "full", onCommit: () => {} });
    t.defer(() => {
      stores.close();
      rmSync(folder, { recursive: true });
    });
    return stores.open("c", { ...limits, ...overrides });
  }],
];

for (const [kind, open] of kinds) {
  const promise = (name: string, body: Parameters<typeof test>[1]) =>
    test(`[${kind} store] ${name}`, body);

  promise("a message comes out as it went in", async (t) => {
    const store = open(t);
    const given = message("a", "hook", "é\u0000\r\n");
    await store.append(given, 1e6, 0);
    const taken = await store.take(0);
    assert.deepEqual(
      { ...taken?.envelope, body: [...taken?.envelope.body ?? []] },
      { ...given, body: [...given.body], sequence: 1, deliveryCount: 1 },
    );
  });

  promise(
    "messages come in sequence; what is released comes again when its time is there",
    async (t) => {
      const store = open(t);
      assert.equal(await store.append(message("a"), 1e6, 0), 1);
      assert.equal(await store.append(message("b"), 1e6, 0), 2);
      assert.equal((await store.take(0))?.envelope.id, "a");
      assert.equal(await store.release("a", 500, true), true);
      assert.equal((await store.take(0))?.envelope.id, "b");
      assert.equal(await store.take(499), undefined);
      assert.equal(store.nextReadyAt(), 500);
      const again = await store.take(500);
      assert.deepEqual(
        [again?.envelope.id, again?.deliveries, again?.envelope.deliveryCount],
        ["a", 2, 2],
      );
      assert.equal(await store.release("a", 0, false), true);
      assert.equal((await store.take(500))?.deliveries, 2);
      assert.equal(await store.take(1e5), undefined);
    },
  );

  promise("an acknowledged message is gone; what is not leased cannot be settled", async (t) => {
    const store = open(t);
    await store.append(message("a"), 1e6, 0);
    assert.equal(await store.ack("a"), false);
    await store.take(0);
    assert.equal(await store.ack("a"), true);
    assert.equal(await store.ack("a"), false);
    assert.equal(await store.release("a", 0, true), false);
    assert.equal(await store.bury("a", "x", 0), false);
    assert.equal(await store.take(1e5), undefined);
    const { queued, inFlight, delivered } = store.stats(0);
    assert.deepEqual([queued, inFlight, delivered], [0, 0, 1]);
  });

  promise("a full store takes nothing, by messages and by bytes", async (t) => {
    const store = open(t, { maxMessages: 2 });
    const given = ["a", "b", "c"].map((id) => store.append(message(id), 1e6, 0));
    assert.deepEqual(await Promise.all(given), [1, 2, undefined]);
    await store.take(0);
    await store.ack("a");
    assert.equal(await store.append(message("d"), 1e6, 0), 3);
    const small = open(t, { maxBytes: 10 });
    assert.equal(await small.append(message("a", "hook", "12345678"), 1e6, 0), 1);
    assert.equal(await small.append(message("b", "hook", "123"), 1e6, 0), undefined);
    assert.equal(await small.append(message("c", "hook", "12"), 1e6, 0), 2);
  });

  promise("what has expired takes no room, is counted, and does not come up", async (t) => {
    const store = open(t, { maxMessages: 2 });
    await store.append(message("a"), 100, 0);
    await store.append(message("b"), 200, 0);
    assert.equal(await store.append(message("c"), 300, 50), undefined);
    assert.equal(await store.append(message("c"), 300, 150), 3);
    assert.equal(store.stats(150).expired, 1);
    assert.equal((await store.take(150))?.envelope.id, "b");
    assert.equal(await store.purge(1_000), 1);
    assert.equal(store.stats(1_000).expired, 2);
    assert.equal(await store.take(1_000), undefined);
    assert.deepEqual(
      [store.stats(1_000).queued, store.stats(1_000).inFlight, await store.ack("b")],
      [0, 1, true],
    );
  });

  promise("two that purge at once count each message once", async (t) => {
    const store = open(t);
    for (const id of ["a", "b", "c"]) await store.append(message(id), 100, 0);
    await Promise.all([store.purge(200), store.purge(200), store.append(message("d"), 1e6, 200)]);
    const { queued, expired } = store.stats(200);
    assert.deepEqual([queued, expired], [1, 3]);
  });

  promise("a late ack settles what waits to be given out again, and only that", async (t) => {
    const store = open(t);
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

  promise(
    "dead letters keep message and reason, up to their bound, the newest first",
    async (t) => {
      const store = open(t);
      for (const id of ["a", "b", "c", "d", "e"]) {
        await store.append(message(id, id < "c" ? "one" : "two", id), 1e6, 0);
      }
      assert.deepEqual([...store.stats(0).pendingByWebhookId], [["one", 2], ["two", 3]]);
      assert.equal(store.stats(0).oldestAt, 0);
      for (const id of ["a", "b", "c", "d", "e"]) {
        await store.take(0);
        assert.equal(await store.bury(id, "because", 7), true);
      }
      const letters = await store.deadLetters(10);
      assert.ok(letters.length <= 4);
      const [newest] = letters;
      assert.deepEqual([newest?.message.envelope.id, newest?.reason, newest?.at], [
        "e",
        "because",
        7,
      ]);
      assert.equal(new TextDecoder().decode(newest?.message.envelope.body), "e");
      assert.equal(store.stats(0).deadLettered, 5);
      assert.deepEqual([...store.stats(0).pendingByWebhookId], []);
      assert.equal(store.stats(0).oldestAt, undefined);
    },
  );

  promise("dead letters can be given out again, one or all, and forgotten", async (t) => {
    const store = open(t);
    for (const id of ["a", "b", "c"]) {
      await store.append(message(id), 1e6, 0);
      await store.take(0);
      await store.bury(id, "because", 0);
    }
    assert.equal(await store.replay(["b", "unknown"], 10, 1_000), 1);
    const again = await store.take(10);
    assert.deepEqual(
      [again?.envelope.id, again?.deliveries, again?.expiresAt],
      ["b", 1, 1_010],
    );
    assert.equal(await store.replay("all", 10, 1_000), 2);
    assert.equal((await store.deadLetters(10)).length, 0);
    for (const id of ["a", "c"]) {
      assert.equal((await store.take(10))?.envelope.id, id);
      await store.bury(id, "again", 10);
    }
    assert.equal(await store.purgeDeadLetters(), 2);
    assert.equal((await store.deadLetters(10)).length, 0);
  });
}
