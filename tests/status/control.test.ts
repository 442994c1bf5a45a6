import assert from "node:assert/strict";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { systemClock } from "../../src/async/clock.ts";
import { openJournal } from "../../src/journal/open_journal.ts";
import { type Control, controlRoutes } from "../../src/status/control.ts";
import { test } from "../support/test.ts";

const control: Control = {
  pause() {},
  resume() {},
  letters: { list: () => [], of: () => [], ids: () => [], drop: () => Promise.resolve(0) },
  isReplayable: () => true,
  replay: () => Promise.resolve("under_way"),
};

const ask = (token: string | undefined, path: string, method: string, given = "t0ken") =>
  controlRoutes(control, () => token).request(path, {
    method,
    headers: { Authorization: `Bearer ${given}` },
  });

test("without a token, as beyond loopback by itself, the control routes are off", async () => {
  const response = await ask(undefined, "/pause", "POST");
  assert.equal(response.status, 403);
  assert.match((await response.json()).detail, /set status_token/);
});

const cases: [method: string, path: string, status: number][] = [
  ["POST", "/pause", 200],
  ["POST", "/pause?for_seconds=60", 200],
  ["POST", "/pause?for_seconds=0", 422],
  ["POST", "/pause?for_seconds=x", 422],
  ["POST", "/pause?for_seconds=1e12", 422],
  ["POST", "/pause?for_seconds=0x10", 422],
  ["POST", "/resume", 200],
  ["GET", "/dead-letters", 200],
  ["GET", "/dead-letters?limit=10000", 200],
  ["GET", "/dead-letters?limit=-1", 422],
  ["GET", "/dead-letters?limit=1.5", 422],
  ["GET", "/dead-letters?limit=10001", 422],
  ["GET", "/dead-letter-ids", 200],
  ["GET", "/dead-letters/nope", 404],
  ["DELETE", "/dead-letters/nope", 404],
  ["POST", "/dead-letters/a/replay", 404],
  ["POST", "/messages/a/replay", 409],
  ["GET", "/dead-letters/export", 200],
  ["GET", "/nope", 404],
];
for (const [method, path, status] of cases) {
  test(`the control routes answer ${method} ${path} with ${status}`, async () => {
    const response = await ask("t0ken", path, method);
    assert.equal(response.status, status);
    await response.body?.cancel();
    assert.equal((await ask("t0ken", path, method, "other")).status, 401);
  });
}

test("the ids of dead letters are those of all, also where there are more than a list shows", async (t) => {
  const folder = t.folder();
  const open = openJournal({
    ...{ folder, clock: systemClock, onDropped() {} },
    limits: { maxLetters: 1, maxBytes: 1 },
  });
  t.defer(() => open.close());
  const file = new DatabaseSync(join(folder, "journal.db"));
  file.exec(`
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10001)
    INSERT INTO dead_letter (id, target, at, webhook_id, sequence, received_at, method, path,
      headers, body, reason, attempts, bytes)
    SELECT 'msg_' || i, 'default', 0, 'hook', i, '', 'POST', '', '[]', x'', '{}', 1, 1 FROM n`);
  file.close();
  const response = await controlRoutes({ ...control, letters: open.deadLetters }, () => "t0ken")
    .request("/dead-letter-ids", { headers: { Authorization: "Bearer t0ken" } });
  const { message_ids } = await response.json();
  assert.deepEqual(message_ids, Array.from({ length: 10_001 }, (_, i) => `msg_${i + 1}`));
});
