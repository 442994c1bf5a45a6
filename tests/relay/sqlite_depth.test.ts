/** What a message costs does not grow with what waits: no statement of the running store reads a whole table. */
import assert from "node:assert/strict";
import { DatabaseSync, type StatementSync } from "node:sqlite";
import { laneRule } from "../../src/relay/lane.ts";
import { migrations } from "../../src/relay/sqlite/schema.ts";
import { SqliteStore } from "../../src/relay/sqlite/sqlite_store.ts";
import { addChannel } from "../../src/relay/sqlite/statements.ts";
import { StoreUnavailableError } from "../../src/relay/store.ts";
import { GroupCommit } from "../../src/sqlite/group_commit.ts";
import { ManualClock } from "../support/manual_clock.ts";
import { messageWith } from "../support/message.ts";
import { test } from "../support/test.ts";

/** Remembers all that is asked of it. */
class WatchedDatabase extends DatabaseSync {
  readonly asked = new Set<string>();

  override prepare(sql: string): StatementSync {
    this.asked.add(sql);
    return super.prepare(sql);
  }
}

/** An index finds the rows by all that the statement says of them, and gives them in their order. */
function isByIndex(db: DatabaseSync, sql: string): boolean {
  const plan = db.prepare(`EXPLAIN QUERY PLAN ${sql}`).all()
    .map(({ detail }) => String(detail).replace("INTEGER PRIMARY KEY (rowid=?)", "(id=?)"));
  const conditions = sql.split("WHERE").slice(1).join(" ").matchAll(/(\w+) [<=>]+ \?/g);
  return !plan.some((step) => /^SCAN (?!CONSTANT)|TEMP B-TREE/.test(step)) &&
    [...conditions].every(([, column]) => new RegExp(`\\b${column}[<=>]`).test(plan.join("; ")));
}

const failed = (reason: string) => ({ at: 0, connectorId: "k1", reason });

function message(id: string, webhookId: string) {
  return messageWith({ id, webhookId, body: new Uint8Array(3) });
}

for (const ordering of [{ kind: "none" }, { kind: "key", from: "webhook_id" }] as const) {
  test(`[ordering ${ordering.kind}] every statement of a running store finds its rows by an index`, async (t) => {
    const db = new WatchedDatabase(":memory:");
    t.defer(() => db.close());
    for (const sql of migrations) db.exec(sql);
    const commit = new GroupCommit(
      { db, space: undefined },
      (why, cause) => new StoreUnavailableError(why, cause),
    );
    await addChannel(db, commit, "c");
    const clock = new ManualClock();
    const store = new SqliteStore(db, commit, clock, "c", {
      maxMessages: 8,
      maxBytes: 1e9,
      maxDeadLetters: 1,
      maxDeadLetterBytes: 1e9,
      ackTimeoutMs: 30_000,
      ttlMs: 1e6,
      lanes: laneRule(ordering),
    });
    const atStart = new Set(db.asked);
    const ids = ["a", "b", "c", "d", "e", "f", "g"];
    for (const id of ids) await store.append(message(id, id), 1e6, 0);
    await store.append(message("expired", "x"), 10, 0);
    await store.append(message("g2", "g"), 1e6, 20); // full: what has expired goes
    for (const _ of ids) await store.take(20);
    await store.ack("a");
    await store.release("b", 0, failed("nacked"));
    await store.claim("b");
    await store.release("c", 500, failed("nacked"));
    await store.bury("d", failed("no"));
    await store.bury("e", failed("no")); // the oldest dead letter goes
    await store.deadLetters(10);
    await store.replay("all", 20, 1e6);
    await store.bury("f", failed("no"));
    await store.replay(["f"], 20, 1e6);
    await store.ack("g");
    await clock.advance(500);
    await store.take(500);
    await store.purge(20);
    await store.purgeDeadLetters();
    store.stats(20);

    const asked = [...db.asked].filter((sql) => !atStart.has(sql));
    assert.ok(asked.length >= 15, `only ${asked.length} statements`);
    assert.deepEqual(asked.filter((sql) => !isByIndex(db, sql)), []);
    const counting = asked.filter((sql) => /count\(|sum\(/i.test(sql));
    assert.deepEqual(counting, [], "counted in memory, not in the tables");
  });
}
