/** What the durable store promises beyond the others: it survives, and says when it cannot. */
import assert from "node:assert/strict";
import { readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { type Clock, systemClock } from "../../src/async/clock.ts";
import { type LaneRule, laneRule } from "../../src/relay/lane.ts";
import { migrations } from "../../src/relay/sqlite/schema.ts";
import { sqliteStores } from "../../src/relay/sqlite/sqlite_stores.ts";
import {
  type Store,
  StoreOpenError,
  type Stores,
  StoreUnavailableError,
} from "../../src/relay/store.ts";
import type { Relay } from "../../src/relay/relay.ts";
import { ManualClock } from "../support/manual_clock.ts";
import { messageWith } from "../support/message.ts";
import { fastClock } from "../support/fast_clock.ts";
import { openSocket } from "../support/old_client.ts";
import { publish, settings, startConnector, startDevRelay, startTarget } from "../support/rig.ts";
import { onSmallDisk } from "../support/small_disk.ts";
import { test } from "../support/test.ts";
import { turnsUntil } from "../support/turns_until.ts";

const limits = {
  maxMessages: 1e6,
  maxBytes: 1e9,
  maxDeadLetters: 100,
  maxDeadLetterBytes: 1e9,
  ackTimeoutMs: 30_000,
  ttlMs: 3_600_000,
  lanes: laneRule({ kind: "none" }),
};

function open(folder: string, clock: Clock = systemClock): Promise<Stores> {
  return sqliteStores({ folder, durability: "full" })(() => {}, clock);
}

const failed = (reason: string, at: number) => ({ at, reason, connectorId: "k1" });

function message(id: string, bytes = 3) {
  return messageWith({ id, body: new Uint8Array(bytes) });
}

test("after a restart everything that was not settled is there again, with its number, delay and dead letters", async (t) => {
  const folder = t.folder();
  const clock = new ManualClock(0);
  const before = await open(folder, clock);
  const store = await before.open("c", limits);
  for (const id of ["a", "b", "c", "d"]) await store.append(message(id), 1e6, 0);
  for (const _ of "abcd") await store.take(0);
  await store.ack("a");
  await store.release("b", 500, failed("nacked", 0));
  await store.bury("c", failed("because", 0));
  await before.close();

  const after = await open(folder, clock);
  t.defer(() => after.close());
  const again = await after.open("c", limits);
  assert.equal(again.stats(0).queued, 2);
  // "d" was leased: leases are not written, it is ready at once. "b" keeps its delay and its count.
  assert.equal((await again.take(0))?.envelope.id, "d");
  await clock.advance(499);
  assert.equal(await again.take(499), undefined);
  await clock.advance(1);
  const delayed = await again.take(500);
  assert.deepEqual([delayed?.envelope.id, delayed?.deliveries], ["b", 2]);
  assert.equal(await again.take(1_000), undefined, "nothing twice");
  assert.equal(await again.append(message("e"), 1e6, 0), 5);
  assert.deepEqual((await again.deadLetters(9)).map(({ reason }) => reason), ["because"]);
});

test("large dead letters are given out again, all of them, a few in memory at a time", async (t) => {
  const stores = await open(t.folder());
  t.defer(() => stores.close());
  const store = await stores.open("c", { ...limits, maxBytes: 1e9 });
  const ids = ["a", "b", "c", "d", "e"];
  for (const id of ids) {
    await store.append(message(id, 7_000_000), 1e6, 0);
    await store.take(0);
    await store.bury(id, failed("because", 0));
  }
  assert.equal(await store.replay(["d", "b", "unknown"], 0, 1e6), 2);
  assert.equal(await store.replay("all", 0, 1e6), 3);
  const again = [];
  for (const _ of ids) again.push((await store.take(0))?.envelope.id);
  assert.deepEqual(again, ["b", "d", "a", "c", "e"]);
  assert.deepEqual(await store.deadLetters(9), []);
});

test("dead letters that had to make room are counted: by number, by bytes, together, and over a restart", async (t) => {
  const folder = t.folder();
  const bounds = { ...limits, maxDeadLetters: 3, maxDeadLetterBytes: 1_000 };
  const before = await open(folder);
  const store = await before.open("c", bounds);
  const bury = async (store: Store, id: string, bytes: number) => {
    await store.append(message(id, bytes), 1e6, 0);
    await store.take(0);
    await store.bury(id, failed("because", 0));
  };
  for (const id of ["a", "b", "c", "d"]) await bury(store, id, 10);
  assert.equal(store.stats(0).deadLettersDropped, 1);
  await bury(store, "e", 985); // "c" and "b" go: "d" fits beside it
  assert.equal(store.stats(0).deadLettersDropped, 3);
  for (const id of ["f", "g", "h", "i", "j"]) await store.append(message(id, 300), 100, 0);
  await store.purge(200);
  assert.equal(store.stats(0).deadLettersDropped, 7);
  await before.close();

  const after = await open(folder);
  t.defer(() => after.close());
  const again = await after.open("c", bounds);
  assert.equal(again.stats(0).deadLetters, 3);
  await bury(again, "k", 300);
  await bury(again, "huge", 2_000);
  const letters = await again.deadLetters(10);
  assert.deepEqual(letters.map(({ message }) => message.envelope.id), ["huge"], "the newest stays");
  assert.equal(again.stats(0).deadLettersDropped, 4);
});

test("dead letters of a group that failed are neither counted nor dropped", async (t) => {
  const folder = t.folder();
  const stores = await open(folder);
  t.defer(() => stores.close());
  const store = await stores.open("c", { ...limits, maxDeadLetters: 2 });
  for (const id of ["a", "b", "c"]) await store.append(message(id), 1e6, 0);
  for (const _ of "abc") await store.take(0);
  for (const id of ["a", "b"]) await store.bury(id, failed("because", 0));
  // Written in one group with what cannot be.
  const outcomes = await Promise.allSettled([
    store.bury("c", failed("because", 0)),
    store.append({ ...message("x"), receivedAt: "never" }, 1e6, 0),
  ]);
  assert.deepEqual(outcomes.map(({ status }) => status), ["rejected", "rejected"]);
  const ids = async () => (await store.deadLetters(9)).map(({ message }) => message.envelope.id);
  assert.deepEqual([await ids(), store.stats(0).deadLettersDropped], [["b", "a"], 0]);
  assert.equal(store.stats(0).deadLetters, 2);
  await store.take(0);
  await store.bury("c", failed("because", 0));
  assert.deepEqual([await ids(), store.stats(0).deadLettersDropped], [["c", "b"], 1]);
});

for (const when of ["before", "after"]) {
  test(`a message that waited before a restart does not hold up its ordered lane: it expires ${when} it is looked for`, async (t) => {
    const folder = t.folder();
    const ordered = { ...limits, lanes: laneRule({ kind: "key", from: "webhook_id" }) };
    const from = (webhookId: string, id: string) => ({ ...message(id), webhookId });
    const clock = new ManualClock(0);
    const before = await open(folder, clock);
    const store = await before.open("c", ordered);
    await store.append(from("one", "a1"), 1_000, 0);
    await store.append(from("two", "b1"), 1_000, 0);
    for (const _ of "ab") await store.take(0);
    await store.release("a1", 10);
    await store.release("b1", 900);
    await store.append(from("two", "b2"), 1e6, 0);
    await before.close();

    const after = await open(folder, clock);
    t.defer(() => after.close());
    const again = await after.open("c", ordered);
    if (when === "after") assert.equal(await again.take(0), undefined, "both wait");
    await again.append(from("one", "a2"), 1e6, 0);
    await clock.advance(1_000);
    assert.equal((await again.take(1_000))?.envelope.id, "b2");
    assert.equal((await again.take(1_000))?.envelope.id, "a2");
  });
}

/** Of an order. */
function order(id: string, number: number, webhookId = "hook") {
  const body = new TextEncoder().encode(JSON.stringify({ order: { id: number } }));
  return messageWith({ id, body, webhookId });
}

const byOrder = laneRule({ kind: "key", from: "pointer", pointer: "/order/id" });

test("what waits when an order is asked for is in it: before what comes, and one at a time", async (t) => {
  const folder = t.folder();
  const before = await open(folder);
  const store = await before.open("c", limits);
  for (const id of ["a", "b", "c"]) await store.append(order(id, 42), 1e6, 0);
  await store.append(order("x", 7), 1e6, 0);
  for (const _ of "abc") await store.take(0);
  // Given back with a delay, but the first.
  for (const id of ["c", "b"]) await store.release(id, 500, failed("nacked", 0));
  await before.close();

  const after = await open(folder);
  t.defer(() => after.close());
  const again = await after.open("c", { ...limits, lanes: byOrder });
  await again.append(order("d", 42), 1e6, 0);
  const next = async () => (await again.take(1_000))?.envelope.id;
  assert.deepEqual([await next(), await next(), await next()], ["a", "x", undefined]);
  await again.ack("a");
  assert.deepEqual([await next(), await next()], ["b", undefined]);
  await again.ack("b");
  assert.deepEqual([await next(), await next()], ["c", undefined]);
  await again.ack("c");
  assert.deepEqual([await next(), await next()], ["d", undefined]);
});

test("the order changes with many messages waiting: each is in the new one, its deliveries as they were", async (t) => {
  const folder = t.folder();
  const restart = async (lanes: LaneRule) => {
    const stores = await open(folder);
    return { stores, store: await stores.open("c", { ...limits, lanes }) };
  };
  const first = await restart(byOrder);
  for (let n = 0; n < 300; n++) {
    await first.store.append(order(`${n}`, n % 2, n < 299 ? "flood" : "other"), 1e6, 0);
  }
  await first.store.take(0);
  await first.store.release("0", 5, failed("nacked", 0));
  await first.stores.close();

  const second = await restart(laneRule({ kind: "channel" }));
  const taken = await second.store.take(0);
  assert.deepEqual([taken?.envelope.id, taken?.deliveries], ["0", 2]);
  assert.equal(await second.store.take(0), undefined);
  await second.stores.close();

  const third = await restart(laneRule({ kind: "none" }));
  const ids = [];
  for (const _ of "abc") ids.push((await third.store.take(0))?.envelope.id);
  assert.deepEqual(ids, ["0", "299", "1"]);
  await third.stores.close();
});

test("the order changes with a damaged message waiting: the relay starts, the others are in it", async (t) => {
  const folder = t.folder();
  const before = await open(folder);
  const store = await before.open("c", limits);
  for (const id of ["a", "b", "c"]) await store.append(order(id, 42), 1e6, 0);
  await before.close();
  const db = new DatabaseSync(join(folder, "relay.db"));
  db.exec("UPDATE message SET headers = '[[#' WHERE id = 'a'");
  db.close();
  const after = await open(folder);
  t.defer(() => after.close());
  const again = await after.open("c", { ...limits, lanes: byOrder });
  assert.equal((await again.take(0))?.envelope.id, "b");
  assert.equal(await again.take(0), undefined);
  assert.match(after.problem ?? "", /a cannot be read/);
});

test("numbers are not given again when the queue ran empty before a restart", async (t) => {
  const folder = t.folder();
  const before = await open(folder);
  const store = await before.open("c", limits);
  await store.append(message("a"), 1e6, 0);
  await store.take(0);
  await store.ack("a");
  await before.close();
  const after = await open(folder);
  t.defer(() => after.close());
  assert.equal(await (await after.open("c", limits)).append(message("b"), 1e6, 0), 2);
});

test("folder and files are for their owner alone", async (t) => {
  const folder = join(t.folder(), "deep", "er");
  const stores = await open(folder);
  t.defer(() => stores.close());
  assert.equal(statSync(folder).mode & 0o777, 0o700);
  const files = readdirSync(folder);
  assert.ok(files.includes("relay.db-wal"), String(files));
  for (const file of files) {
    assert.equal(statSync(join(folder, file)).mode & 0o777, 0o600, file);
  }
});

test("a second relay on the same data is refused, and may have them when the first is gone", async (t) => {
  const folder = t.folder();
  const first = await open(folder);
  await assert.rejects(open(folder), (error) => {
    assert.ok(error instanceof StoreOpenError);
    assert.match(error.message, /another relay is using/);
    return true;
  });
  await first.close();
  await (await open(folder)).close();
});

test("data of a newer hookferry are refused, not touched", async (t) => {
  const folder = t.folder();
  await (await open(folder)).close();
  const db = new DatabaseSync(join(folder, "relay.db"));
  db.exec("PRAGMA user_version = 99");
  db.close();
  await assert.rejects(open(folder), /written by a newer hookferry \(schema 99/);
});

test("data of every older hookferry are brought up to date: messages, numbers and dead letters are there", async (t) => {
  for (let version = 1; version < migrations.length; version++) {
    const folder = t.folder();
    const db = new DatabaseSync(join(folder, "relay.db"));
    for (const sql of migrations.slice(0, version)) db.exec(sql);
    db.exec(`PRAGMA user_version = ${version}`);
    const columns = "channel_id, sequence, id, webhook_id, received_at, expires_at, deliveries, " +
      "method, path, headers, bytes, body";
    db.exec(`
      INSERT INTO channel (id, name, next_sequence) VALUES (1, 'c', 8);
      INSERT INTO message (${columns}) VALUES (1, 7, 'a', 'hook', 0, 1000000, 1, 'PUT', '/x', '[]', 1, 'A');
      INSERT INTO dead_letter (${columns}, reason, at)
        VALUES (1, 3, 'b', 'hook', 0, 1000000, 1, 'PUT', '/x', '[]', 1, 'B', 'because', 5);
    `);
    db.close();
    const stores = await open(folder);
    const store = await stores.open("c", limits);
    const taken = await store.take(0);
    assert.deepEqual([taken?.envelope.id, taken?.envelope.sequence, taken?.deliveries], [
      "a",
      7,
      2,
    ]);
    assert.equal(await store.append(message("next"), 1e6, 0), 8);
    const [letter] = await store.deadLetters(1);
    assert.deepEqual([letter?.message.envelope.id, letter?.reason, letter?.history], [
      "b",
      "because",
      [],
    ]);
    await stores.close();
  }
});

test("writes of one turn share a commit", async (t) => {
  const groups: number[] = [];
  const stores = await sqliteStores({ folder: t.folder(), durability: "full" })((event) => {
    if (event.type === "relay.committed") groups.push(event.writes);
  }, systemClock);
  t.defer(() => stores.close());
  const store = await stores.open("c", limits);
  groups.length = 0; // what opened it
  await Promise.all(Array.from({ length: 100 }, (_, i) => store.append(message(`m${i}`), 1e6, 0)));
  assert.deepEqual(groups, [100]);
});

onSmallDisk(
  "a full disk: the sender gets 503, /readyz and log say why, what was accepted is delivered, and it mends itself",
  8_192,
  async (t, folder) => {
    const failures: string[] = [];
    const relay = await startDevRelay(t, {}, {
      stores: sqliteStores({ folder: join(folder, "relay"), durability: "full" }),
      observe: (event) => event.type === "relay.store_failed" && failures.push(event.message),
    });
    // Somebody else's.
    writeFileSync(join(folder, "filler"), new Uint8Array(7 * 1024 * 1024));
    const post = async () => {
      const body = "x".repeat(20_000);
      const response = await fetch(`${relay.url}/webhook/hook`, { method: "POST", body });
      await response.body?.cancel();
      return response;
    };
    let accepted = 0;
    let response = await post();
    for (; response.status === 202; response = await post()) accepted++;
    assert.ok(accepted > 0);
    assert.equal(response.status, 503);
    assert.equal(response.headers.get("retry-after"), "5");
    assert.deepEqual(failures, [
      "the store is not available: less than 410 KiB are free on the disk",
    ]);
    const ready = await fetch(`${relay.url}/readyz`);
    assert.equal(ready.status, 503);
    assert.match((await ready.json()).parts[0].detail, /less than 410 KiB are free/);

    const poll = await fetch(`${relay.url}/connect/stream/dev/poll?timeout=1&max_messages=100`, {
      headers: { Authorization: "Bearer s3cret" },
    });
    const { messages, connection_id } = await poll.json();
    assert.equal(messages.length, accepted);
    rmSync(join(folder, "filler"));
    for (const { message_id } of messages) {
      const ack = await fetch(`${relay.url}/connect/ack?message_id=${message_id}`, {
        method: "POST",
        headers: { Authorization: "Bearer s3cret", "X-Connection-ID": connection_id },
      });
      await ack.body?.cancel();
      assert.equal(ack.status, 200);
    }
    assert.equal((await post()).status, 202);
    const mended = await fetch(`${relay.url}/readyz`);
    await mended.body?.cancel();
    assert.equal(mended.status, 200);
  },
);

test("a database locked by another program: 503 until it is let go, nothing lost", async (t) => {
  const folder = t.folder();
  const stores = await open(folder);
  const relay = await startDevRelay(t, {}, { stores: () => Promise.resolve(stores) });
  await publish(relay, "before");
  const other = new DatabaseSync(join(folder, "relay.db"));
  t.defer(() => other.close());
  other.exec("BEGIN IMMEDIATE");
  const refused = await fetch(`${relay.url}/webhook/hook`, { method: "POST", body: "x" });
  await refused.body?.cancel();
  assert.equal(refused.status, 503);
  assert.match(stores.problem ?? "", /locked/);
  other.exec("ROLLBACK");
  await publish(relay, "after");
  assert.equal(stores.problem, undefined);
  assert.equal(relay.registry.named("dev")?.channel.stats.queued, 2);
});

test("an operator's request that the store cannot take is answered 503, and is an error with its reason", async (t) => {
  const folder = t.folder();
  const failures: object[] = [];
  const relay = await startDevRelay(t, {}, {
    stores: sqliteStores({ folder, durability: "full" }),
    adminToken: "admin",
    observe: (event) => event.type === "relay.store_failed" && failures.push(event),
  });
  const other = new DatabaseSync(join(folder, "relay.db"));
  t.defer(() => other.close());
  other.exec("BEGIN IMMEDIATE");
  const ask = async (method: string, path: string, body?: object) => {
    const answer = await fetch(`${relay.url}/admin/webhook-connect${path}`, {
      method,
      headers: { Authorization: "Bearer admin" },
      ...(body && { body: JSON.stringify(body) }),
    });
    await answer.body?.cancel();
    return [answer.status, answer.headers.get("Retry-After")];
  };
  const make = () => ask("POST", "/channels", { channel: "late", webhook_ids: ["late-hook"] });
  assert.deepEqual(await ask("DELETE", "/channels/dev/dead-letters"), [503, "5"]);
  assert.deepEqual(await make(), [503, "5"]);
  const message = "the store is not available: database is locked";
  assert.deepEqual(failures, [
    { type: "relay.store_failed", channel: "dev", message },
    { type: "relay.store_failed", channel: "", message },
  ]);
  other.exec("ROLLBACK");
  assert.deepEqual(await make(), [201, null]);
});

test("an ack over the socket that cannot be written: the relay lives, and the message comes again", async (t) => {
  const folder = t.folder();
  const relay = await startDevRelay(t, {}, {
    stores: sqliteStores({ folder, durability: "full" }),
    clock: fastClock(20),
  });
  const { frame, say } = await openSocket(t, relay);
  await frame(0);
  const id = await publish(relay, "1");
  await frame(1);
  const other = new DatabaseSync(join(folder, "relay.db"));
  t.defer(() => other.close());
  other.exec("BEGIN IMMEDIATE");
  say({ type: "ack", message_id: id });
  assert.equal((await frame(2))["message_id"], id);
  other.exec("ROLLBACK");
  say({ type: "ack", message_id: id });
  const channel = relay.registry.named("dev")?.channel;
  await turnsUntil(() => channel?.stats.delivered === 1);
  assert.equal(channel?.stats.queued, 0);
});

test("a late ack that cannot be written is taken when it comes again", async (t) => {
  const folder = t.folder();
  const relay = await startDevRelay(t, {}, {
    stores: sqliteStores({ folder, durability: "full" }),
  });
  const { frame, socket, closed } = openSocket(t, relay, {
    "Authorization": "Bearer s3cret",
    "X-Connector-ID": "k1",
  });
  await frame(0);
  const id = await publish(relay, "1");
  await frame(1);
  socket.terminate();
  await closed;
  const channel = relay.registry.named("dev")?.channel;
  await turnsUntil(() => channel?.stats.inFlight === 0);
  const ack = async () => {
    const answer = await fetch(`${relay.url}/connect/ack?message_id=${id}`, {
      method: "POST",
      headers: {
        "Authorization": "Bearer s3cret",
        "X-Connector-ID": "k1",
        "X-Connection-ID": "of before",
      },
    });
    await answer.body?.cancel();
    return answer.status;
  };
  const other = new DatabaseSync(join(folder, "relay.db"));
  t.defer(() => other.close());
  other.exec("BEGIN IMMEDIATE");
  assert.equal(await ack(), 503);
  other.exec("ROLLBACK");
  assert.equal(await ack(), 200);
  assert.equal(await ack(), 404);
  assert.deepEqual([channel?.stats.delivered, channel?.stats.queued], [1, 0]);
});

test("a late ack that cannot be written leaves the message to be given out, once", async (t) => {
  const folder = t.folder();
  const clock = new ManualClock(0);
  const stores = await open(folder, clock);
  t.defer(() => stores.close());
  const store = await stores.open("c", limits);
  await store.append(message("a"), 1e6, 0);
  await store.take(0);
  await store.release("a", 0, failed("the connection ended", 0));
  const other = new DatabaseSync(join(folder, "relay.db"));
  t.defer(() => other.close());
  other.exec("BEGIN IMMEDIATE");
  await assert.rejects(store.claim("a"), StoreUnavailableError);
  other.exec("ROLLBACK");
  assert.equal((await store.take(0))?.envelope.id, "a");
  assert.equal(await store.take(0), undefined);
  await store.release("a", 500, failed("nacked", 0));
  await clock.advance(499);
  assert.equal(await store.take(499), undefined, "no entry of before gives it out early");
  assert.equal(await store.claim("a"), true);
  await clock.advance(1);
  assert.equal(await store.take(500), undefined);
});

test("a failed group writes nothing of it and gives its numbers again", async (t) => {
  const folder = t.folder();
  const stores = await open(folder);
  t.defer(() => stores.close());
  const store = await stores.open("c", limits);
  const other = new DatabaseSync(join(folder, "relay.db"));
  other.exec("BEGIN IMMEDIATE");
  const writes = await Promise.allSettled(
    ["a", "b"].map((id) => store.append(message(id), 1e6, 0)),
  );
  for (const write of writes) {
    assert.ok(write.status === "rejected" && write.reason instanceof StoreUnavailableError);
  }
  other.exec("ROLLBACK");
  other.close();
  assert.equal(store.stats(0).queued, 0);
  assert.equal(await store.append(message("a"), 1e6, 0), 1);
});

test("after a failed group a lane that got a number in it still offers what comes next", async (t) => {
  const folder = t.folder();
  const stores = await open(folder);
  t.defer(() => stores.close());
  const store = await stores.open("c", limits);
  const from = (webhookId: string, id: string) => ({ ...message(id), webhookId });
  const other = new DatabaseSync(join(folder, "relay.db"));
  t.defer(() => other.close());
  other.exec("BEGIN IMMEDIATE");
  await Promise.all([
    assert.rejects(store.append(from("one", "a"), 1e6, 0), StoreUnavailableError),
    assert.rejects(store.append(from("two", "b"), 1e6, 0), StoreUnavailableError),
  ]);
  other.exec("ROLLBACK");
  // A group that fails in the middle has told its lanes already.
  assert.equal(await store.append(from("one", "a"), 1e6, 0), 1);
  const failing = [from("one", "x"), from("two", "y"), {
    ...from("two", "z"),
    receivedAt: "never",
  }];
  await Promise.all(
    failing.map((one) => assert.rejects(store.append(one, 1e6, 0), StoreUnavailableError)),
  );
  assert.equal(await store.append(from("two", "c"), 1e6, 0), 2);
  assert.equal((await store.take(0))?.envelope.id, "a");
  assert.equal((await store.take(0))?.envelope.id, "c");
});

onSmallDisk(
  "a disk that its own webhooks have filled: a relay starts on it, acks free it, and senders are heard again",
  20 * 1024,
  async (t, folder) => {
    const start = () =>
      startDevRelay(t, { maxDeliveries: 1e6 }, {
        stores: sqliteStores({ folder: join(folder, "relay"), durability: "full" }),
      });
    const body = "x".repeat(300_000);
    const post = async ({ url }: Relay) => {
      const response = await fetch(`${url}/webhook/hook`, { method: "POST", body });
      await response.body?.cancel();
      return response.status;
    };
    const first = await start();
    let accepted = 0;
    while (await post(first) === 202) accepted++;
    assert.ok(accepted > 10, String(accepted));
    await first.stop(1_000);
    const relay = await start();
    assert.equal(await post(relay), 503);
    const target = await startTarget(t);
    const run = startConnector(t, settings(relay.url, target.url, "websocket"));
    await run.happened("settlement.confirmed", accepted);
    assert.equal(target.got.length, accepted);
    assert.equal(relay.registry.named("dev")?.channel.stats.queued, 0);
    assert.equal(await post(relay), 202);
  },
);
