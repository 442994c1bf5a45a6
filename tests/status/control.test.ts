import assert from "node:assert/strict";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { systemClock } from "../../src/async/clock.ts";
import { controlOf } from "../../src/cli/connector_control.ts";
import { openConnectorJournal } from "../../src/cli/connector_journal.ts";
import { createConnector } from "../../src/connector.ts";
import type { ConnectorEvent } from "../../src/observe/events.ts";
import { foldRecent } from "../../src/observe/recent.ts";
import { openJournal } from "../../src/journal/open_journal.ts";
import { type Control, controlRoutes } from "../../src/status/control.ts";
import { publish, settings, startDevRelay, startTarget } from "../support/rig.ts";
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

test("a message whose dead letter made room, or was dropped by somebody, is shown as none any more", async (t) => {
  const relay = await startDevRelay(t);
  const target = await startTarget(t, () => 422);
  const given = settings(relay.url, target.url, "sse", { dead_letter_max_messages: 1 });
  const recent = foldRecent(systemClock);
  let stored = Promise.withResolvers<void>();
  const observe = (event: ConnectorEvent) => {
    recent.observe(event);
    if (event.type === "dead_letter.stored") stored.resolve();
  };
  const journal = openConnectorJournal(given, observe);
  const connector = createConnector(given, {
    ...{ clock: systemClock, random: Math.random, journal: journal.open, observe },
  });
  const stop = new AbortController();
  const ended = connector.run({ drain: stop.signal, abort: stop.signal });
  t.defer(async () => {
    stop.abort();
    await ended;
    journal.open.close();
  });
  const put = async (body: string) => {
    stored = Promise.withResolvers();
    const id = await publish(relay, body);
    await stored.promise;
    return id;
  };
  const isLetter = (id: string) => recent.message(id)?.isDeadLetter;
  const first = await put("1");
  assert.equal(isLetter(first), true);
  const second = await put("2");
  assert.deepEqual([isLetter(first), isLetter(second)], [false, true]);
  const routes = controlRoutes(controlOf({ connector, journal }), () => "t0ken");
  const headers = { Authorization: "Bearer t0ken" };
  const response = await routes.request(`/dead-letters/${second}`, { method: "DELETE", headers });
  assert.deepEqual(await response.json(), { dropped: 1 });
  assert.equal(isLetter(second), false);
  assert.equal(recent.message(second)?.standing, "rejected");
});
