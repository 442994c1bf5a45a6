/** What becomes of deliveries when the journal cannot be kept. */
import assert from "node:assert/strict";
import { closeSync, openSync, readFileSync, statSync, writeFileSync, writeSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { join } from "node:path";
import { startProgram } from "../support/program.ts";
import {
  publish,
  settings,
  settingsFor,
  startConnector,
  startDevRelay,
  startTarget,
  type Target,
} from "../support/rig.ts";
import { startSmeeServer } from "../support/smee_server.ts";
import { onSmallDisk } from "../support/small_disk.ts";
import { test, type TestContext } from "../support/test.ts";

async function startProcess(
  t: TestContext,
  target: Target,
  journal: string,
  more: Record<string, string> = {},
) {
  const relay = await startDevRelay(t);
  const connector = startProgram(t, [
    ...["connect", "--cloud-url", relay.url, "--channel", "dev", "--log-level", "debug"],
    ...["--target-url", target.url.href, "--status-listen", "127.0.0.1:0"],
  ], { CONNECTOR_TOKEN: "s3cret", CONNECTOR_JOURNAL: `sqlite:${journal}`, ...more });
  return { relay, connector };
}

async function readiness(line: string) {
  const url = JSON.parse(line).url as string;
  const response = await fetch(`${url}/readyz`);
  const { parts } = await response.json() as {
    parts: { name: string; ready: boolean; detail: string }[];
  };
  const journal = parts.find(({ name, ready }) => name === "journal" && !ready)?.detail;
  return { status: response.status, journal };
}

test("a journal locked by another program: deliveries go on and are acknowledged, loudly; it mends itself", async (t) => {
  const folder = t.folder();
  const target = await startTarget(t, (n) => n === 2 ? 422 : 200);
  const relay = await startDevRelay(t);
  const run = startConnector(t, settings(relay.url, target.url, "websocket"), { folder });
  await run.happened("stream.connected");
  const other = new DatabaseSync(join(folder, "journal.db"));
  t.defer(() => other.close());
  other.exec("BEGIN IMMEDIATE");
  await publish(relay, "1");
  await run.happened("settlement.confirmed");
  assert.match(run.journal.problem ?? "", /locked/);
  // What is rejected meanwhile has no letter here; the relay keeps it.
  await publish(relay, "2");
  await run.happened("settlement.confirmed", 2);
  assert.equal(run.journal.deadLetters.count, 0);
  const { stats } = relay.registry.named("dev")?.channel ?? {};
  assert.deepEqual([stats?.delivered, stats?.deadLettered], [1, 1]);
  assert.ok(run.events.some(({ type }) => type === "journal.failed"));
  other.exec("ROLLBACK");
  await publish(relay, "3");
  await run.happened("settlement.confirmed", 3);
  assert.equal(run.journal.problem, undefined);
});

test("a letter that could not be written is none: its target is asked again with the others", async (t) => {
  const folder = t.folder();
  const primary = await startTarget(t, (n) => n === 1 ? 503 : 200);
  const audit = await startTarget(t, () => 400);
  const relay = await startDevRelay(t);
  const to = [
    { url: primary.url.href, retry_max_attempts: 1 },
    { name: "audit", url: audit.url.href },
  ];
  const targets = { hook: { to, ack: "primary" } };
  const run = startConnector(t, settings(relay.url, primary.url, "websocket", { targets }), {
    folder,
  });
  await run.happened("stream.connected");
  const other = new DatabaseSync(join(folder, "journal.db"));
  t.defer(() => other.close());
  other.exec(
    `CREATE TRIGGER full BEFORE INSERT ON dead_letter
     BEGIN SELECT raise(ABORT, 'database or disk is full'); END`,
  );
  const id = await publish(relay, "x");
  await run.happened("journal.failed");
  other.exec("DROP TRIGGER full");
  await run.happened("settlement.confirmed", 2);
  assert.deepEqual([primary.got.length, audit.got.length], [2, 2]);
  assert.equal(relay.registry.named("dev")?.channel.stats.delivered, 1);
  assert.deepEqual(run.journal.deadLetters.of(id).map(({ target }) => target), ["audit"]);
});

/** Lets no dead letter be kept until what it gives is called. */
function fillFor(t: TestContext, folder: string): () => void {
  const other = new DatabaseSync(join(folder, "journal.db"));
  t.defer(() => other.close());
  other.exec(
    `CREATE TRIGGER full BEFORE INSERT ON dead_letter
     BEGIN SELECT raise(ABORT, 'database or disk is full'); END`,
  );
  return () => other.exec("DROP TRIGGER full");
}

test("what only a dead letter would keep is not acknowledged while that cannot be written; who has it is not asked again", async (t) => {
  const folder = t.folder();
  const primary = await startTarget(t);
  const audit = await startTarget(t, () => 422);
  const relay = await startDevRelay(t);
  const to = [{ url: primary.url.href }, { name: "audit", url: audit.url.href }];
  const targets = { hook: { to, ack: "primary" } };
  const run = startConnector(t, settings(relay.url, primary.url, "websocket", { targets }), {
    folder,
  });
  await run.happened("stream.connected");
  const makeRoom = fillFor(t, folder);
  const id = await publish(relay, "x");
  await run.happened("journal.failed");
  await run.happened("settlement.confirmed");
  const stats = () => relay.registry.named("dev")?.channel.stats;
  assert.deepEqual([stats()?.delivered, stats()?.queued], [0, 1]);
  makeRoom();
  await run.happened("settlement.confirmed", 2);
  assert.deepEqual([primary.got.length, audit.got.length], [1, 2]);
  assert.equal(stats()?.delivered, 1);
  assert.deepEqual(run.journal.deadLetters.of(id).map(({ target }) => target), ["audit"]);
});

test("what a smee stream brought is held until its dead letter can be written", async (t) => {
  const folder = t.folder();
  const target = await startTarget(t, () => 422);
  const server = await startSmeeServer(t, "gosmee");
  const given = settingsFor({ source: "smee", cloud_url: server.url }, target.url);
  const run = startConnector(t, given, { folder });
  await run.happened("stream.connected");
  const makeRoom = fillFor(t, folder);
  server.post(Buffer.from("x"), {});
  await run.happened("journal.failed", 2);
  assert.equal(run.journal.deadLetters.count, 0);
  makeRoom();
  await run.happened("dead_letter.stored");
  assert.equal(run.journal.deadLetters.count, 1);
  assert.equal(target.got.length, 1);
});

test("told to stop when the journal fails, the connector finishes what is in hand, acknowledges it, and ends with 1", async (t) => {
  const folder = t.folder();
  const target = await startTarget(t);
  const { relay, connector } = await startProcess(t, target, folder, {
    CONNECTOR_ON_JOURNAL_FAILURE: "stop",
  });
  await connector.line(/stream\.connected/);
  const other = new DatabaseSync(join(folder, "journal.db"));
  t.defer(() => other.close());
  other.exec("BEGIN IMMEDIATE");
  await publish(relay, "1");
  assert.equal(await connector.ended, 1);
  assert.match(connector.stderr.at(-1) ?? "", /stopped: the journal is not available: .*locked/);
  assert.equal(target.got.length, 1);
  assert.equal(relay.registry.named("dev")?.channel.stats.delivered, 1);
});

for (const onFailure of ["continue", "stop"]) {
  test(
    `a journal that is no database, on_journal_failure ${onFailure}: ${
      onFailure === "stop" ? "not started, exit 1" : "delivered all the same, not ready"
    }`,
    async (t) => {
      const folder = t.folder();
      writeFileSync(join(folder, "journal.db"), "no database ".repeat(1_000));
      const target = await startTarget(t);
      const { relay, connector } = await startProcess(t, target, folder, {
        CONNECTOR_ON_JOURNAL_FAILURE: onFailure,
      });
      if (onFailure === "stop") {
        assert.equal(await connector.ended, 1);
        assert.match(
          connector.stderr.at(-1) ?? "",
          /cannot open the connector's data .*not a database/,
        );
        return;
      }
      await connector.line(/journal\.failed/);
      const ready = await readiness(await connector.line(/status\.listening/));
      assert.equal(ready.status, 503);
      assert.match(ready.journal ?? "", /not a database/);
      await publish(relay, "1");
      await connector.line(/settlement\.confirmed/);
      connector.terminate();
      assert.equal(await connector.ended, 0);
      assert.equal(statSync(join(folder, "journal.db")).size, 12_000);
    },
  );
}

test("pages of the journal damaged while it runs: what is delivered is acknowledged, never what is not", async (t) => {
  const folder = t.folder();
  const target = await startTarget(
    t,
    (n, { headers }) => n % 2 === 0 && headers["x-webhook-attempt"] === "1" ? 500 : 200,
  );
  const relay = await startDevRelay(t);
  const run = startConnector(
    t,
    settings(relay.url, target.url, "websocket", { max_concurrent_requests: 1 }),
    { folder },
  );
  for (let i = 0; i < 20; i++) await publish(relay, `before ${i}`);
  await run.happened("settlement.confirmed", 20);
  for (const name of ["journal.db", "journal.db-wal"]) {
    const file = openSync(join(folder, name), "r+");
    writeSync(
      file,
      new Uint8Array(statSync(join(folder, name)).size - 100).fill(0xa5),
      0,
      null,
      100,
    );
    closeSync(file);
  }
  for (let i = 0; i < 20; i++) await publish(relay, `after ${i}`);
  await run.happened("settlement.confirmed", 40);
  const acked = run.events.filter((event) =>
    event.type === "settlement.confirmed" && event.verdict === "ack"
  );
  assert.equal(acked.length, 40);
  assert.equal(new Set(target.got.map(({ headers }) => headers["x-webhook-message-id"])).size, 40);
});

test("nobody asked for a journal and none can be kept: a warning, and the connector is ready", async (t) => {
  const target = await startTarget(t);
  const relay = await startDevRelay(t);
  const connector = startProgram(t, [
    ...["connect", "--cloud-url", relay.url, "--channel", "dev", "--log-level", "debug"],
    ...["--target-url", target.url.href, "--status-listen", "127.0.0.1:0"],
  ], { CONNECTOR_TOKEN: "s3cret", XDG_STATE_HOME: "/dev/null" });
  assert.match(
    await connector.line(/config\.warning.*set journal/),
    /in memory: cannot open the connector/,
  );
  const listening = await connector.line(/status\.listening/);
  await connector.line(/stream\.connected/);
  assert.deepEqual(await readiness(listening), { status: 200, journal: undefined });
});

/** What it says of its journal, wherever somebody looks. */
async function journalTold(line: string) {
  const url = JSON.parse(line).url as string;
  const text = async (path: string) => await (await fetch(url + path)).text();
  const { journal } = JSON.parse(await text("/status"));
  return {
    ...await readiness(line),
    place: journal.place as string,
    problem: journal.problem as string | null,
    healthy: /^hookferry_journal_healthy (\d)/m.exec(await text("/metrics"))?.[1],
  };
}

/** A connector that nobody gave a journal, and where its own is. */
async function startByDefault(t: TestContext, state: string, given?: Target) {
  const target = given ?? await startTarget(t);
  const relay = await startDevRelay(t);
  const connect = ["connect", "--log-level", "debug", "--status-listen", "127.0.0.1:0"];
  const start = (more: Record<string, string> = {}, words = connect) =>
    startProgram(t, [
      ...[...words, "--cloud-url", relay.url, "--channel", "dev"],
      ...["--target-url", target.url.href],
    ], { CONNECTOR_TOKEN: "s3cret", XDG_STATE_HOME: state, ...more });
  const name = `dev@${new URL(relay.url).host}`.replace(":", "_");
  return { relay, start, folder: join(state, "hookferry", "connect", name) };
}

/** Pages of a database that was closed; the first, which says what it is, stays. */
function damage(folder: string): void {
  const path = join(folder, "journal.db");
  const file = openSync(path, "r+");
  const size = statSync(path).size - 4_096;
  writeSync(file, new Uint8Array(size).fill(0xa5), 0, size, 4_096);
  closeSync(file);
}

test("a default journal that is damaged: delivered from memory, not ready, and all that tell of it say why and where", async (t) => {
  const { relay, start, folder } = await startByDefault(t, t.folder());
  const first = start();
  await publish(relay, "1");
  await first.line(/settlement\.confirmed/);
  first.terminate();
  assert.equal(await first.ended, 0);
  damage(folder);
  const second = start();
  const failed = JSON.parse(await second.line(/journal\.failed/));
  const why = `in memory: cannot read the journal in ${JSON.stringify(folder)}: ` +
    "database disk image is malformed";
  assert.equal(failed.message, why);
  const listening = await second.line(/status\.listening/);
  await publish(relay, "2");
  await second.line(/settlement\.confirmed/);
  assert.deepEqual(await journalTold(listening), {
    status: 503,
    journal: why,
    place: folder,
    problem: why,
    healthy: "0",
  });
});

test("a second connector for a channel on one machine is ready, and says that it remembers in memory, and why", async (t) => {
  const { start, folder } = await startByDefault(t, t.folder());
  await start().line(/stream\.connected/);
  const second = start();
  const why = `in memory: another connector is using the data in ${JSON.stringify(folder)}`;
  const { message } = JSON.parse(await second.line(/config\.warning/));
  assert.equal(
    message,
    `${why}; what is delivered is not remembered beyond this process: set journal or connector_id`,
  );
  const listening = await second.line(/status\.listening/);
  await second.line(/stream\.connected/);
  assert.deepEqual(await journalTold(listening), {
    status: 200,
    journal: undefined,
    place: why,
    problem: null,
    healthy: "1",
  });
});

test("a journal whose pages are damaged: dead-letters, and a connector that is to stop then, say so in one line and end with 1", async (t) => {
  const { relay, start, folder } = await startByDefault(t, t.folder());
  const first = start();
  await publish(relay, "1");
  await first.line(/settlement\.confirmed/);
  first.terminate();
  await first.ended;
  damage(folder);
  const line = `hookferry: cannot read the journal in ${JSON.stringify(folder)}: ` +
    "database disk image is malformed";
  const stops = start({ CONNECTOR_ON_JOURNAL_FAILURE: "stop" });
  assert.equal(await stops.ended, 1);
  assert.deepEqual(stops.stderr, [line]);
  const letters = startProgram(t, [
    ...["dead-letters", "list", "--cloud-url", relay.url, "--channel", "dev", "--to", "1"],
    ...["--journal", `sqlite:${folder}`, "--status-listen", "127.0.0.1:1"],
  ], { CONNECTOR_TOKEN: "s3cret" });
  assert.equal(await letters.ended, 1);
  assert.deepEqual(letters.stderr, [line]);
});

test("a dead letter whose pages are damaged: show and export say so in one line, and the others are exported, of a connector that runs or not", async (t) => {
  const target = await startTarget(t, () => 422);
  const { relay, start, folder } = await startByDefault(t, t.folder(), target);
  const first = start();
  const id = await publish(relay, "x".repeat(100_000));
  await first.line(/dead_letter\.stored/);
  await publish(relay, "y");
  await first.line(/dead_letter\.stored/, 2);
  first.terminate();
  await first.ended;
  const path = join(folder, "journal.db");
  const pages = readFileSync(path);
  // The first page of a row's overflow: all x, but for the number of the next one.
  const at = pages.indexOf("x".repeat(4_000), 0, "latin1");
  assert.ok(at > 0);
  const file = openSync(path, "r+");
  writeSync(file, new Uint8Array(4).fill(0xff), 0, 4, Math.floor(at / 4_096) * 4_096);
  closeSync(file);
  const why = "the journal is not available: database disk image is malformed";
  const letters = async (listen: string, ...words: string[]) => {
    const program = start({}, ["dead-letters", ...words, "--status-listen", listen]);
    return { code: await program.ended, err: program.stderr, out: program.stdout };
  };
  assert.deepEqual(await letters("127.0.0.1:1", "show", id), {
    code: 1,
    err: [`hookferry: the connector answered 503: ${why}`],
    out: [],
  });
  const stopped = await letters("127.0.0.1:1", "export");
  const running = start();
  const { host } = new URL(JSON.parse(await running.line(/status\.listening/)).url);
  for (const { code, err, out } of [stopped, await letters(host, "export")]) {
    assert.deepEqual({ code, err }, { code: 1, err: [`${id}: ${why}`] });
    assert.deepEqual(out.map((line) => JSON.parse(line).body), ["y"]);
  }
  running.terminate();
  await running.ended;
  for (const line of running.stderr) assert.equal(typeof JSON.parse(line).event, "string");
});

onSmallDisk(
  "a full disk: deliveries go on and are acknowledged, the rejected ones go to the relay",
  512,
  async (t, folder) => {
    const target = await startTarget(t, (_, { body }) => body.length > 20_000 ? 422 : 200);
    const relay = await startDevRelay(t);
    const run = startConnector(
      t,
      settings(relay.url, target.url, "websocket"),
      { folder: join(folder, "journal") },
    );
    for (let i = 0; i < 20; i++) await publish(relay, "x".repeat(30_000));
    await publish(relay, "small");
    await run.happened("settlement.confirmed", 21);
    const failures = run.events.filter(({ type }) => type === "journal.failed");
    assert.match(JSON.stringify(failures), /full/);
    const { stats } = relay.registry.named("dev")?.channel ?? {};
    assert.deepEqual([stats?.delivered, stats?.deadLettered], [1, 20]);
    assert.ok(run.journal.deadLetters.count < 20);
  },
);
