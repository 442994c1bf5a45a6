import assert from "node:assert/strict";
import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { sqliteStores } from "../../src/relay/sqlite/sqlite_stores.ts";
import { StoreOpenError } from "../../src/relay/store.ts";
import { publish, startDevRelay } from "../support/rig.ts";
import { test } from "../support/test.ts";

test("a damaged database is named at the start, and nothing is taken that could not be kept", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "damaged-"));
  t.defer(() => rmSync(folder, { recursive: true }));
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
    assert.match(error.message, /cannot read the relay's data in .*malformed/);
    return true;
  });
});
