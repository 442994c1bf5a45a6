import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { sqliteStores } from "../../src/relay/sqlite/sqlite_stores.ts";
import { ManualClock } from "../support/manual_clock.ts";
import { openSocket } from "../support/old_client.ts";
import { publish, startDevRelay } from "../support/rig.ts";
import { test } from "../support/test.ts";
import { turnsUntil } from "../support/turns_until.ts";

test("every metric of the relay is driven by something that really happens", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "metrics-"));
  t.defer(() => rmSync(folder, { recursive: true }));
  const clock = new ManualClock(Date.now());
  const relay = await startDevRelay(t, { ttlMs: 60_000, ackTimeoutMs: 20_000, maxDeliveries: 3 }, {
    stores: sqliteStores({ folder, durability: "full" }),
    clock,
    build: { version: "1", runtime: "test" },
  });
  const seen = new Map<string, boolean>();
  const scrape = async () => {
    const response = await fetch(`${relay.url}/metrics`);
    const text = await response.text();
    for (const [, name = ""] of text.matchAll(/^# TYPE (\S+)/gm)) {
      seen.set(name, seen.get(name) ?? false);
    }
    for (const [, name = "", value] of text.matchAll(/^(\w+)(?:\{[^}]*\})? (\S+)$/gm)) {
      const metric = seen.has(name) ? name : name.replace(/_(bucket|sum|count)$/, "");
      if (Number(value) > 0) seen.set(metric, true);
    }
  };
  const nope = await fetch(`${relay.url}/webhook/nope`, { method: "POST" });
  await nope.body?.cancel();
  const expiring = await publish(relay, "0");
  assert.ok(expiring);
  await clock.advance(60_000);
  await publish(relay, "1");
  await clock.advance(1_000);
  await scrape(); // waiting, with an age
  const { frame, say } = await openSocket(t, relay);
  const first = (await frame(1))["message_id"];
  await scrape(); // in flight, connected
  say({ type: "tea" });
  say({ type: "extend", message_ids: [first] });
  const channel = relay.registry.named("dev")?.channel;
  const nack = async (id: unknown, waitMs: number) => {
    say({ type: "nack", message_id: id });
    await turnsUntil(() => channel?.stats.inFlight === 0);
    await clock.advance(waitMs);
  };
  await nack(first, 1_000);
  await frame(2);
  await clock.advance(20_000); // the lease expires, and it comes for the third time
  await frame(3);
  say({ type: "nack", message_id: first, retry: false });
  const second = await publish(relay, "2");
  await frame(4);
  await nack(second, 1_000);
  await frame(5);
  await nack(second, 2_000);
  await frame(6);
  // Not settled for the third time it would be put away, but the database is held by another program.
  const other = new DatabaseSync(join(folder, "relay.db"));
  other.exec("BEGIN IMMEDIATE");
  await clock.advance(20_000);
  other.exec("ROLLBACK");
  other.close();
  await clock.advance(1_000);
  await frame(7);
  say({ type: "ack", message_id: second });
  await publish(relay, "3");
  await frame(8);
  await scrape();
  assert.deepEqual([...seen].filter(([, driven]) => !driven).map(([name]) => name), []);
  assert.ok(seen.size >= 18, `only ${seen.size}`);
});
