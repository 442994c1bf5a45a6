/** Dead letters, pause and resume from the command line, in real processes. */
import assert from "node:assert/strict";
import { statSync, writeFileSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { join } from "node:path";
import { startProgram } from "../support/program.ts";
import { publish, startDevRelay, startTarget } from "../support/rig.ts";
import { test, type TestContext } from "../support/test.ts";

/** A connector with a state folder that the commands of the test share with it. */
async function startShared(t: TestContext, target: URL) {
  const state = t.folder();
  const relay = await startDevRelay(t);
  const env = {
    XDG_STATE_HOME: state,
    CONNECTOR_CLOUD_URL: relay.url,
    CONNECTOR_CHANNEL: "dev",
    CONNECTOR_TOKEN: "s3cret",
    CONNECTOR_TARGET_URL: target.href,
  };
  const connector = startProgram(t, [
    ...["connect", "--status-listen", "127.0.0.1:0", "--log-level", "debug"],
  ], env);
  const url = JSON.parse(await connector.line(/status\.listening/)).url as string;
  await connector.line(/stream\.connected/);
  const listen = new URL(url).host;
  return {
    state,
    relay,
    connector,
    url,
    env,
    async command(args: string[], more: Record<string, string> = {}) {
      const at = "CONNECTOR_STATUS_LISTEN" in more ? [] : ["--status-listen", listen];
      const program = startProgram(t, [...args, ...at], { ...env, ...more });
      const code = await program.ended;
      return { code, out: program.stdout, err: program.stderr.join("\n") };
    },
  };
}

test("dead-letters of a running connector: list, show, export, replay, drop", async (t) => {
  let status = 422;
  const target = await startTarget(t, () => status);
  const { relay, connector, command, state } = await startShared(t, target.url);
  const none = await command(["dead-letters", "list"]);
  assert.deepEqual(none, { code: 0, out: [], err: "no dead letters" });
  const ids: string[] = [];
  for (const body of ["one", "two", "three"]) {
    ids.push(await publish(relay, body));
    await connector.line(new RegExp(`dead_letter.stored.*${ids.at(-1)}`));
  }
  const [one = "", two = "", three = ""] = ids;

  const list = await command(["dead-letters", "list"]);
  assert.equal(list.code, 0, list.err);
  assert.equal(list.out.length, 3);
  assert.match(list.out[0] ?? "", new RegExp(`${three}  hook -> default  5 bytes  1 attempt  the`));
  const json = await command(["dead-letters", "list", "--json", "--limit", "1"]);
  assert.equal(JSON.parse(json.out.join("\n")).reason.status, 422);
  const show = await command(["dead-letters", "show", two]);
  const [shown] = JSON.parse(show.out.join("\n"));
  assert.deepEqual([shown.body, shown.method, shown.response], ["two", "POST", "ok"]);
  const file = join(state, "dl.json");
  writeFileSync(file, show.out.join("\n"));
  const explained = await command(["config", "explain", file]);
  assert.equal(explained.code, 0, explained.err);
  assert.match(explained.out[0] ?? "", new RegExp(`^message ${two}, webhook id "hook"$`));
  const exported = await command(["dead-letters", "export"]);
  assert.deepEqual(exported.out.map((line) => JSON.parse(line).body), ["one", "two", "three"]);

  assert.deepEqual((await command(["dead-letters", "drop", one])).out, [`${one}  dropped`]);
  const failed = await command(["dead-letters", "replay", two]);
  assert.equal(failed.code, 1);
  assert.match(failed.out.join("\n"), /default {2}rejected: the target answered 422/);
  status = 200;
  const replayed = await command(["dead-letters", "replay", "--all"]);
  // The one that failed again was put away last.
  assert.deepEqual(replayed, {
    code: 0,
    out: [`${three}  default  delivered`, `${two}  default  delivered`],
    err: "",
  });
  const gone = await command(["dead-letters", "show", two]);
  assert.equal(gone.code, 1);
  assert.match(gone.err, /404: there is no such dead letter/);
  assert.equal(target.got.length, 6);
});

test("dead-letters of a connector that does not run are read from its journal, and replayed from there", async (t) => {
  let status = 410;
  const target = await startTarget(t, () => status);
  const { relay, connector, command, state } = await startShared(t, target.url);
  const id = await publish(relay, "kept");
  await connector.line(/dead_letter\.stored/);
  connector.kill();
  await connector.ended;
  // The token of the one that was killed is still there, and leads nowhere.
  assert.equal(statSync(join(state, "hookferry", "status")).mode & 0o777, 0o700);
  const list = await command(["dead-letters", "list"]);
  assert.equal(list.code, 0, list.err);
  assert.match(list.out.join("\n"), new RegExp(id));
  status = 204;
  const replayed = await command(["dead-letters", "replay", id]);
  assert.deepEqual(replayed, { code: 0, out: [`${id}  default  delivered`], err: "" });
  assert.deepEqual((await command(["dead-letters", "list"])).out, []);
  const nowhere = await command(["dead-letters", "list"], { CONNECTOR_JOURNAL: "memory" });
  assert.equal(nowhere.code, 1);
  assert.match(nowhere.err, /its journal is in memory/);
});

test("a stopped connector's dead letters are told and dropped with what names its journal alone, replayed without its token", async (t) => {
  let status = 410;
  const target = await startTarget(t, () => status);
  const { relay, connector, command, state } = await startShared(t, target.url);
  const ids = [await publish(relay, "one"), await publish(relay, "two")];
  await connector.line(/dead_letter\.stored/, 2);
  const held = await command(["dead-letters", "list"], { CONNECTOR_STATUS_LISTEN: "off" });
  assert.equal(held.code, 1);
  assert.match(held.err, /another connector is using the data in/);
  connector.terminate();
  assert.equal(await connector.ended, 0);

  const off = { CONNECTOR_STATUS_LISTEN: "off" };
  const noToken = { ...off, CONNECTOR_TOKEN: "" };
  const file = join(state, "connector.json");
  writeFileSync(
    file,
    `{ "targets": { "hook": { "url": "http://x/", "token": "$` + `{NOT_SET}" } } }`,
  );
  const withFile = ["--config", file];
  for (
    const list of [
      await command(["dead-letters", "list"], off),
      await command(["dead-letters", "list"], noToken),
      await command(["dead-letters", "list", ...withFile], noToken),
    ]
  ) {
    assert.equal(list.code, 0, list.err);
    for (const id of ids) assert.match(list.out.join("\n"), new RegExp(id));
  }
  const [one = "", two = ""] = ids;
  assert.equal((await command(["dead-letters", "replay", one, ...withFile], off)).code, 78);
  const dropped = await command(["dead-letters", "drop", two, ...withFile], noToken);
  assert.deepEqual(dropped, { code: 0, out: [`${two}  dropped`], err: "" });
  status = 200;
  const replayed = await command(["dead-letters", "replay", one], noToken);
  assert.deepEqual(replayed, { code: 0, out: [`${one}  default  delivered`], err: "" });

  const nameless = await command(["dead-letters", "list"], { ...off, CONNECTOR_CHANNEL: "" });
  assert.equal(nameless.code, 78);
  assert.match(nameless.err, /^ {2}- channel: is required$/m);
  assert.doesNotMatch(nameless.err, /token|target/);
  for (const args of [["pause"], ["status"], ["healthcheck"]]) {
    const { code, err } = await command(args, off);
    assert.equal(code, 1);
    assert.match(err, /status_listen is off \(environment CONNECTOR_STATUS_LISTEN\)/);
  }
});

test("pause and resume from the command line; the connector says so, and takes up again by itself", async (t) => {
  const target = await startTarget(t);
  const { relay, connector, command, url } = await startShared(t, target.url);
  const ready = async () => (await fetch(`${url}/readyz`)).json();
  assert.deepEqual((await command(["pause"])).out, ["paused"]);
  await connector.line(/stream\.disconnected/);
  await publish(relay, "waits");
  const { ready: isReady, parts } = await ready();
  assert.equal(isReady, false);
  assert.deepEqual(parts.find(({ name }: { name: string }) => name === "intake").detail, "paused");
  assert.equal((await command(["healthcheck"])).code, 1);
  assert.equal(target.got.length, 0);
  assert.deepEqual((await command(["resume"])).out, ["resumed"]);
  await target.arrived(1);

  assert.deepEqual((await command(["pause", "--for", "50ms"])).out, ["paused for 50ms"]);
  await connector.line(/"connector\.paused".*50/);
  await publish(relay, "after");
  await target.arrived(2);
  const bad = await command(["pause", "--for", "soon"]);
  assert.equal(bad.code, 2);
  assert.match(bad.err, /use a time like 90s, 10m or 1h/);
});

test("the control routes want the token: without it 401, with another user's none, the state folder is private", async (t) => {
  const target = await startTarget(t);
  const { command, url, connector, state } = await startShared(t, target.url);
  for (const [method, path] of [["POST", "pause"], ["GET", "dead-letters"]] as const) {
    const response = await fetch(`${url}/-/${path}`, { method });
    assert.equal(response.status, 401);
    await response.body?.cancel();
  }
  const other = await command(["pause"], { XDG_STATE_HOME: "/nonexistent" });
  assert.equal(other.code, 1);
  assert.match(other.err, /wants its status token, and there is no \/nonexistent\//);
  const named = await command(["pause"], {
    XDG_STATE_HOME: "/nonexistent",
    CONNECTOR_STATUS_TOKEN: "wrong",
  });
  assert.equal(named.code, 1);
  const file = join(state, "hookferry", "status", `${new URL(url).port}.token`);
  assert.equal(statSync(file).mode & 0o777, 0o600);
  connector.terminate();
  assert.equal(await connector.ended, 0);
  assert.throws(() => statSync(file), /ENOENT/);
});

test("a journal that takes nothing: dead-letters says why for each, and the connector's log has only events", async (t) => {
  const target = await startTarget(t, () => 422);
  const { relay, connector, command, state } = await startShared(t, target.url);
  const ids: string[] = [];
  for (const body of ["one", "two"]) {
    ids.push(await publish(relay, body));
    await connector.line(new RegExp(`dead_letter.stored.*${ids.at(-1)}`));
  }
  const name = `dev@${new URL(relay.url).host}`.replace(":", "_");
  const journal = new DatabaseSync(join(state, "hookferry", "connect", name, "journal.db"));
  t.defer(() => journal.close());
  journal.exec("BEGIN IMMEDIATE");
  const dropped = await command(["dead-letters", "drop", "--all"]);
  const why = "the connector answered 503: the journal is not available: database is locked";
  assert.equal(dropped.code, 1);
  assert.deepEqual(dropped.err.split("\n"), ids.map((id) => `${id}: ${why}`));
  connector.terminate();
  assert.equal(await connector.ended, 0);
  for (const line of connector.stderr) assert.equal(typeof JSON.parse(line).event, "string");
});

const slips: [args: string[], says: RegExp][] = [
  [["bogus"], /dead-letters "bogus": use list, show, replay, drop or export$/],
  [["lst"], /dead-letters "lst": use .* did you mean list\?$/],
  [["show"], /dead-letters show: name one message id$/],
  [["drop"], /name message ids, or say --all$/],
  [["list", "--limit", "0"], /--limit "0": use a whole number from 1 to 10000$/],
  [["list", "--limit", "many"], /--limit "many": use a whole number/],
  [["list", "--all"], /unknown flag "--all"/],
  [["list", "msg_1"], /"msg_1" is not expected here$/],
  [["show", "msg_1", "--all"], /unknown flag "--all"/],
  [["show", "msg_1", "msg_2"], /"msg_2" is not expected here$/],
  [["replay", "--all", "--limit", "1"], /unknown flag "--limit"/],
  [["drop", "--all", "--limit", "1"], /unknown flag "--limit"/],
  [["drop", "msg_1", "--json"], /unknown flag "--json"/],
  [["drop", "--all", "msg_1"], /name message ids, or say --all$/],
  [["export", "msg_1"], /"msg_1" is not expected here$/],
];
for (const [args, says] of slips) {
  test(`dead-letters ${args.join(" ")} is a slip of the command line, whatever the configuration`, async (t) => {
    const program = startProgram(t, ["dead-letters", ...args]);
    assert.equal(await program.ended, 2);
    assert.match(program.stderr.join("\n"), says);
  });
}
