import assert from "node:assert/strict";
import { closeSync, openSync, readFileSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { sqliteStores } from "../../src/relay/sqlite/sqlite_stores.ts";
import { StoreOpenError } from "../../src/relay/store.ts";
import { ManualClock } from "../support/manual_clock.ts";
import { openSocket } from "../support/old_client.ts";
import { publish, startDevRelay } from "../support/rig.ts";
import { test } from "../support/test.ts";
import { turnsUntil } from "../support/turns_until.ts";

test("a damaged database is named at the start, and nothing is taken that could not be kept", async (t) => {
  const folder = t.folder();
  const stores = sqliteStores({ folder, durability: "full" });
  const before = await startDevRelay(t, {}, { stores });
  for (let i = 0; i < 50; i++) await publish(before, "x".repeat(3_000));
  await before.stop(100);
  // Garbage over all pages but the first ones, where the schema is.
  const file = openSync(join(folder, "relay.db"), "r+");
  for (let page = 12; page < 60; page++) {
    writeSync(file, new Uint8Array(4_096).fill(0xa5), 0, 4_096, page * 4_096);
  }
  closeSync(file);

  await assert.rejects(startDevRelay(t, {}, { stores }), (error) => {
    assert.ok(error instanceof StoreOpenError);
    assert.match(
      error.message,
      /cannot read the relay's data in .*malformed; nothing was changed: .*\.recover/,
    );
    return true;
  });
});

test("a message whose body is damaged: /readyz says so, the others are delivered, nothing is thrown away", async (t) => {
  const folder = t.folder();
  const stores = sqliteStores({ folder, durability: "full" });
  const before = await startDevRelay(t, {}, { stores });
  await publish(before, "a");
  const damaged = await publish(before, "\u00a5".repeat(50_000));
  const whole = await publish(before, "b");
  await before.stop(100);
  damageBody(join(folder, "relay.db"));

  const relay = await startDevRelay(t, {}, { stores });
  const { frame, say } = await openSocket(t, relay);
  assert.equal((await frame(0))["type"], "connected");
  await frame(1);
  const next = await frame(2);
  assert.equal(next["message_id"], whole);
  say({ type: "ack", message_id: whole });
  const ready = await fetch(`${relay.url}/readyz`);
  assert.equal(ready.status, 503);
  assert.match(await ready.text(), new RegExp(`${damaged}.*malformed`));
  assert.equal((await publish(relay, "c")).slice(0, 4), "msg_");
  await frame(3);
  assert.equal(relay.registry.named("dev")?.channel.stats.queued, 1);
});

for (const column of ["headers", "history"]) {
  test(`a message with damaged ${column}: the same, and it is delivered once it can be read again`, async (t) => {
    const folder = t.folder();
    const stores = sqliteStores({ folder, durability: "full" });
    const before = await startDevRelay(t, {}, { stores });
    const [damaged, waiting] = [await publish(before, "a"), await publish(before, "b")];
    const whole = await publish(before, "c");
    await before.stop(100);
    const db = new DatabaseSync(join(folder, "relay.db"));
    db.exec(`UPDATE message SET ${column} = '[[#' || ${column} WHERE sequence <= 2`);
    db.exec("UPDATE message SET ready_at = 1 WHERE sequence = 2"); // given back before
    db.close();

    const clock = new ManualClock(Date.now());
    const relay = await startDevRelay(t, {}, { stores, clock, heartbeatMs: 1e6 });
    const { frame, say } = openSocket(t, relay);
    assert.equal((await frame(1))["message_id"], whole);
    say({ type: "ack", message_id: whole });
    const ready = async () => (await fetch(`${relay.url}/readyz`)).text();
    assert.match(await ready(), new RegExp(`${waiting} cannot be read: .*JSON`));
    const again = new DatabaseSync(join(folder, "relay.db"));
    again.exec(`UPDATE message SET ${column} = substr(${column}, 4)`);
    again.close();
    await clock.advance(60_000);
    const came = [(await frame(2))["message_id"], (await frame(3))["message_id"]];
    assert.deepEqual(came, [damaged, waiting]);
    assert.doesNotMatch(await ready(), /cannot be read/);
  });
}

test("a damaged message does not stop a channel that goes one at a time, and comes in its turn once it can be read", async (t) => {
  const folder = t.folder();
  const stores = sqliteStores({ folder, durability: "full" });
  const ordered = { ordering: { kind: "channel" }, ackTimeoutMs: 600_000 } as const;
  const before = await startDevRelay(t, ordered, { stores });
  const ids: string[] = [];
  for (const body of ["a", "b", "c", "d"]) ids.push(await publish(before, body));
  await before.stop(100);
  const damage = (set: string) => {
    const db = new DatabaseSync(join(folder, "relay.db"));
    db.exec(`UPDATE message SET ${set} WHERE sequence <= 1`);
    db.close();
  };
  damage("headers = '[[#' || headers");

  const clock = new ManualClock(Date.now());
  const relay = await startDevRelay(t, ordered, { stores, clock, heartbeatMs: 1e6 });
  const { frame, say } = openSocket(t, relay);
  assert.equal((await frame(1))["message_id"], ids[1]);
  assert.match(await (await fetch(`${relay.url}/readyz`)).text(), /cannot be read/);
  say({ type: "ack", message_id: ids[1] });
  assert.equal((await frame(2))["message_id"], ids[2]);
  await clock.advance(60_000); // tried again while another one is out: it changes nothing
  damage("headers = substr(headers, 4)");
  await clock.advance(60_000);
  const channel = relay.registry.named("dev")?.channel;
  assert.equal(channel?.stats.inFlight, 1, "one at a time");
  say({ type: "ack", message_id: ids[2] });
  assert.equal((await frame(3))["message_id"], ids[0]);
  await turnsUntil(() => channel?.stats.queued === 1);
  assert.equal(channel?.stats.inFlight, 1, "one at a time");
  assert.doesNotMatch(await (await fetch(`${relay.url}/readyz`)).text(), /cannot be read/);
  say({ type: "ack", message_id: ids[0] });
  assert.equal((await frame(4))["message_id"], ids[3]);
});

for (const column of ["headers", "history"]) {
  test(`a dead letter with damaged ${column} is listed as one, and keeps no other from being given out again`, async (t) => {
    const folder = t.folder();
    const stores = sqliteStores({ folder, durability: "full" });
    const before = await startDevRelay(t, {}, { stores });
    const ids = [await publish(before, "a"), await publish(before, "b")];
    const [damaged = "", whole = ""] = ids;
    const first = openSocket(t, before);
    await first.frame(2);
    for (const message_id of ids) {
      first.say({ type: "nack", message_id, retry: false, reason: "because" });
    }
    await turnsUntil(() => before.registry.named("dev")?.channel.stats.deadLettered === 2);
    await before.stop(100);
    const db = new DatabaseSync(join(folder, "relay.db"));
    db.prepare(`UPDATE dead_letter SET ${column} = '[[#' || ${column} WHERE id = ?`).run(damaged);
    db.close();

    const relay = await startDevRelay(t, {}, { stores });
    const channel = relay.registry.named("dev")?.channel;
    const letters = await channel?.deadLetters(10);
    assert.deepEqual(letters?.map(({ message }) => message.envelope.id), [whole, damaged]);
    assert.deepEqual(letters?.map(({ reason }) => reason.split(":")[0]), [
      "because",
      "cannot be read",
    ]);
    // What was sent is whole where only the history is damaged.
    assert.equal(await channel?.replay("all"), column === "history" ? 2 : 1);
    const { frame } = openSocket(t, relay);
    const came = [await frame(1), ...(column === "history" ? [await frame(2)] : [])];
    assert.ok(came.some((one) => one["message_id"] === whole));
    assert.equal((await channel?.deadLetters(10))?.length, column === "history" ? 0 : 1);
  });
}

/** Breaks the chain of pages that hold nothing but the body's bytes. */
function damageBody(path: string): void {
  const bytes = readFileSync(path);
  const isBody = (page: number) =>
    bytes.subarray(page * 4_096 + 4, page * 4_096 + 4_096).every((byte) =>
      byte === 0xc2 || byte === 0xa5
    );
  const first = Array.from({ length: bytes.length / 4_096 }, (_, page) => page).find(isBody);
  assert.ok(first !== undefined);
  bytes.fill(0xff, first * 4_096, first * 4_096 + 4);
  writeFileSync(path, bytes);
}
