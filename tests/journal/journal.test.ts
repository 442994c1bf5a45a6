import assert from "node:assert/strict";
import { chmodSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { type DeadLetter, type Envelope, JournalUnavailable } from "../../src/flow.ts";
import { openJournal } from "../../src/journal/open_journal.ts";
import { migrations } from "../../src/journal/schema.ts";
import { DatabaseHeldError, DatabaseOpenError } from "../../src/sqlite/database.ts";
import { ManualClock } from "../support/manual_clock.ts";
import { test } from "../support/test.ts";

const delivered = {
  outcome: { kind: "delivered" },
  deliveredTo: ["orders"],
  deadLetters: [],
} as const;
const reason = { code: "status", status: 410, message: "the target answered 410" } as const;

function open(
  folder: string | undefined,
  { clock = new ManualClock(), limits = { maxLetters: 100, maxBytes: 1e6 }, dropped = [] }: {
    clock?: ManualClock;
    limits?: { maxLetters: number; maxBytes: number };
    dropped?: string[];
  } = {},
) {
  const onDropped = (letters: readonly { messageId: string; target: string }[]) =>
    void dropped.push(...letters.map(({ messageId, target }) => `${messageId} ${target}`));
  return openJournal({ folder, limits, clock, onDropped });
}

function letter(id: string, target = "orders", body = new Uint8Array([0, 255, 10])): DeadLetter {
  const envelope: Envelope = {
    id,
    webhookId: "hook",
    sequence: 7,
    receivedAt: "2026-01-01T00:00:00.000Z",
    method: "PUT",
    path: "/a?b=%20",
    headers: [["X-A", "1"], ["X-A", "2"]],
    body: new Uint8Array(body),
  };
  const response = new TextEncoder().encode("gone");
  return { envelope, target, reason, attempts: 3, response };
}

test("what was finished is remembered when the journal is opened again, with what the relay was not told", async (t) => {
  const folder = t.folder();
  const clock = new ManualClock();
  const first = open(folder, { clock });
  await first.journal.finish("a", delivered);
  const rejected = { kind: "rejected", reason } as const;
  await first.journal.finish("b", { outcome: rejected, deliveredTo: [], deadLetters: [] });
  await first.journal.finish("c", delivered);
  await first.journal.finish("d", {
    outcome: { kind: "exhausted", reason, delayMs: 1 },
    deliveredTo: [],
    deadLetters: [],
  });
  first.journal.confirm(["a"]);
  first.journal.forget(["c"]);
  first.close();
  const second = open(folder, { clock });
  const at = clock.now();
  assert.deepEqual(second.takeRemembered(), [
    { messageId: "a", outcome: { kind: "delivered" }, at, confirmed: true },
    { messageId: "b", outcome: rejected, at, confirmed: false },
  ]);
  second.close();
});

test("a journal that can be neither written nor read says that it is not available", async (t) => {
  const { journal, deadLetters, close } = open(t.folder());
  const rejected = { kind: "rejected", reason } as const;
  const conclusion = { outcome: rejected, deliveredTo: [], deadLetters: [letter("a")] };
  await journal.finish("a", conclusion);
  close();
  await assert.rejects(journal.finish("b", conclusion), JournalUnavailable);
  await assert.rejects(deadLetters.drop("a"), JournalUnavailable);
});

test("a journal that cannot be held for another reason than another process says so", (t) => {
  const folder = t.folder();
  writeFileSync(join(folder, "journal.lock"), "x".repeat(1_000));
  assert.throws(() => open(folder), (error) => {
    assert.ok(error instanceof DatabaseOpenError && !(error instanceof DatabaseHeldError));
    assert.match(
      error.message,
      /^cannot open the connector's data in ".*": file is not a database$/,
    );
    return true;
  });
});

test("a message that is finished again is remembered as it was finished last, and once", async (t) => {
  const folder = t.folder();
  const clock = new ManualClock();
  const first = open(folder, { clock });
  const rejected = { kind: "rejected", reason } as const;
  await first.journal.finish("a", { outcome: rejected, deliveredTo: [], deadLetters: [] });
  first.journal.confirm(["a"]);
  await first.journal.finish("b", delivered);
  await first.journal.finish("a", delivered);
  first.close();
  const at = clock.now();
  const b = { messageId: "b", outcome: { kind: "delivered" }, at, confirmed: false };
  const second = open(folder, { clock });
  assert.deepEqual(second.takeRemembered(), [b, { ...b, messageId: "a" }]);
  second.journal.confirm(["a"]);
  second.journal.forget(["b"]);
  second.close();
  const third = open(folder, { clock });
  assert.deepEqual(third.takeRemembered(), [{ ...b, messageId: "a", confirmed: true }]);
  third.close();
});

test("of two rows of one message, as a disk that was full leaves them, the last counts and the other goes", (t) => {
  const folder = t.folder();
  open(folder).close();
  const insert = (ids: string) => `
    INSERT INTO finished (id, at, confirmed) SELECT value, 1767225600000, 0 FROM json_each('${ids}')`;
  change(folder, insert('["a", "b", "a"]'));
  const second = open(folder);
  assert.deepEqual(second.takeRemembered().map(({ messageId }) => messageId), ["b", "a"]);
  second.journal.forget(["a", "b"]);
  second.close();
  assert.deepEqual(change(folder, "", "SELECT * FROM finished"), []);
});

test("a journal of the first schema is taken over", async (t) => {
  const folder = t.folder();
  const clock = new ManualClock();
  const at = clock.now();
  const [first = ""] = migrations;
  change(
    folder,
    `${first}; PRAGMA user_version = 1;
    INSERT INTO meta VALUES ('connector_id', 'me');
    INSERT INTO finished (id, at, reason, confirmed)
      VALUES ('a', ${at}, NULL, 1), ('b', ${at}, '${JSON.stringify(reason)}', 0);`,
  );
  const journal = open(folder, { clock });
  assert.equal(journal.connectorId, "me");
  const a = { messageId: "a", outcome: { kind: "delivered" }, at, confirmed: true };
  const b = { messageId: "b", outcome: { kind: "rejected", reason }, at, confirmed: false };
  assert.deepEqual(journal.takeRemembered(), [a, b]);
  await journal.journal.finish("c", delivered);
  journal.journal.confirm(["b", "c"]);
  journal.journal.forget(["a"]);
  journal.close();
  const again = open(folder, { clock });
  const c = { ...a, messageId: "c" };
  assert.deepEqual(again.takeRemembered(), [{ ...b, confirmed: true }, c]);
  again.close();
});

/** Changes a closed journal from outside; the result are the rows of `query`. */
function change(folder: string, sql: string, query?: string): unknown[] {
  const db = new DatabaseSync(join(folder, "journal.db"));
  db.exec(sql);
  const rows = query === undefined ? [] : db.prepare(query).all();
  db.close();
  return rows;
}

test("the connector id lasts as long as the journal", (t) => {
  const folder = t.folder();
  const first = open(folder);
  const { connectorId } = first;
  first.close();
  const second = open(folder);
  assert.equal(second.connectorId, connectorId);
  second.close();
  const other = open(undefined);
  assert.notEqual(other.connectorId, connectorId);
  other.close();
});

test("a dead letter is kept byte for byte, once for each message and target", async (t) => {
  const folder = t.folder();
  const first = open(folder);
  const outcome = { kind: "rejected", reason } as const;
  await first.journal.finish("a", {
    outcome,
    deliveredTo: [],
    deadLetters: [letter("a"), letter("a", "audit")],
  });
  await first.journal.finish("a", { outcome, deliveredTo: [], deadLetters: [letter("a")] });
  first.close();
  const second = open(folder);
  const kept = second.deadLetters.of("a");
  assert.deepEqual(kept.map(({ at: _, ...rest }) => rest), [letter("a", "audit"), letter("a")]);
  assert.deepEqual(second.deadLetters.list(10).map(({ target, bytes }) => [target, bytes]), [
    ["orders", 3],
    ["audit", 3],
  ]);
  assert.equal(await second.deadLetters.drop("a", "audit"), 1);
  assert.equal(await second.deadLetters.drop("a"), 1);
  assert.equal(await second.deadLetters.drop("a"), 0);
  assert.deepEqual([second.deadLetters.count, second.deadLetters.bytes], [0, 0]);
  second.close();
});

test("dead letters are bounded by number and by bytes: the oldest make room, and that is told", async () => {
  const dropped: string[] = [];
  const byNumber = open(undefined, { dropped, limits: { maxLetters: 2, maxBytes: 1e6 } });
  for (const id of ["a", "b", "c"]) await byNumber.deadLetters.replace(letter(id));
  assert.deepEqual(byNumber.deadLetters.ids(), ["b", "c"]);
  assert.deepEqual(dropped, ["a orders"]);
  byNumber.close();
  const byBytes = open(undefined, { dropped, limits: { maxLetters: 100, maxBytes: 30_000 } });
  for (const id of ["a", "b", "c", "d"]) {
    await byBytes.deadLetters.replace(letter(id, "orders", new Uint8Array(9_000)));
  }
  assert.deepEqual(byBytes.deadLetters.ids(), ["c", "d"]);
  // A letter larger than all the room is still kept: it is the newest.
  await byBytes.deadLetters.replace(letter("e", "orders", new Uint8Array(40_000)));
  assert.deepEqual(byBytes.deadLetters.ids(), ["e"]);
  byBytes.close();
  const byHeaders = open(undefined, { dropped, limits: { maxLetters: 100, maxBytes: 30_000 } });
  for (const id of ["a", "b", "c", "d"]) {
    const { envelope, ...others } = letter(id);
    const headers = [["X-A", "x".repeat(9_000)]] as const;
    await byHeaders.deadLetters.replace({ ...others, envelope: { ...envelope, headers } });
  }
  assert.deepEqual(byHeaders.deadLetters.ids(), ["c", "d"]);
  byHeaders.close();
});

test("a message in hand at a crash is counted at each crash, and never when it was finished", async (t) => {
  const folder = t.folder();
  let journal = open(folder);
  for (const crash of [1, 2, 3]) {
    await journal.journal.begin("poison");
    await journal.journal.begin("good");
    await journal.journal.finish("good", delivered);
    journal.close(); // what is in hand is left there, as by a crash
    // Looked into by somebody else in between: that is no crash.
    open(folder).close();
    journal = open(folder);
    assert.equal(journal.journal.crashesOf("poison"), crash);
    assert.equal(journal.journal.crashesOf("good"), 0);
  }
  const given = { kind: "abandoned", reason, attempted: true } as const;
  await journal.journal.begin("poison");
  await journal.journal.finish("poison", { outcome: given, deliveredTo: [], deadLetters: [] });
  journal.close();
  journal = open(folder);
  assert.equal(journal.journal.crashesOf("poison"), 0);
  journal.close();
});

test("of a message with several targets, those that are done are known after a crash", async (t) => {
  const folder = t.folder();
  const first = open(folder);
  await first.journal.deliveredTo("a", "one");
  await first.journal.finish("a", {
    outcome: { kind: "exhausted", reason, delayMs: 1 },
    deliveredTo: [],
    deadLetters: [letter("a", "two")],
  });
  await first.journal.deliveredTo("b", "one");
  await first.journal.finish("b", delivered);
  first.close();
  const second = open(folder);
  assert.deepEqual([...second.journal.settledTargets("a")], [["one", "delivered"], [
    "two",
    reason,
  ]]);
  assert.deepEqual([...second.journal.settledTargets("b")], []);
  second.close();
});

test("the journal is for its user alone, and for one connector at a time", (t) => {
  const folder = join(t.folder(), "state");
  const first = open(folder);
  assert.equal(statSync(folder).mode & 0o777, 0o700);
  assert.equal(statSync(join(folder, "journal.db")).mode & 0o777, 0o600);
  assert.throws(() => open(folder), (error) => {
    assert.ok(error instanceof DatabaseOpenError);
    assert.match(error.message, /another connector is using the data in/);
    return true;
  });
  first.close();
  open(folder).close();
});

test("a journal that is no database is refused by name, and left as it is", (t) => {
  const folder = t.folder();
  chmodSync(folder, 0o700);
  writeFileSync(
    join(folder, "journal.db"),
    "this is no database, but long enough to be one".repeat(50),
  );
  assert.throws(() => open(folder), (error) => {
    assert.ok(error instanceof DatabaseOpenError);
    assert.match(error.message, /cannot open the connector's data in .*not a database/);
    return true;
  });
});
