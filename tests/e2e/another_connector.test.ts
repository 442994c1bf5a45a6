/** Two connectors of one user, of which one has the address where the commands of both ask. */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { startProgram } from "../support/program.ts";
import { publish, startDevRelay, startTarget } from "../support/rig.ts";
import { test, type TestContext } from "../support/test.ts";

/** Connector `name` with a dead letter, and its file. */
async function startWithLetter(t: TestContext, name: string, state: string, statusListen: string) {
  const relay = await startDevRelay(t);
  const target = await startTarget(t, () => 422);
  const file = join(t.folder(), `${name}.json`);
  const settings = {
    cloud_url: relay.url,
    channel: "dev",
    token: "s3cret",
    default_target: { url: target.url.href },
    status_listen: statusListen,
  };
  writeFileSync(file, JSON.stringify(settings), { mode: 0o600 });
  const connector = startProgram(
    t,
    ["connect", "--config", file, "--log-level", "debug"],
    { XDG_STATE_HOME: state },
  );
  await connector.line(/stream\.connected/);
  const id = await publish(relay, name);
  await connector.line(/dead_letter\.stored/);
  return { file, connector, id, identity: `dev@${new URL(relay.url).host}` };
}

test("commands with the file of one connector leave another one alone that has its address", async (t) => {
  const state = t.folder();
  const a = await startWithLetter(t, "a", state, "127.0.0.1:0");
  const { url } = JSON.parse(await a.connector.line(/status\.listening/)) as { url: string };
  const listen = new URL(url).host;
  // One that was started second, where nobody had said an address, has no status server.
  const b = await startWithLetter(t, "b", state, "off");
  const command = async (...args: string[]) => {
    const program = startProgram(t, args, {
      XDG_STATE_HOME: state,
      CONNECTOR_STATUS_LISTEN: listen,
    });
    const code = await program.ended;
    return { code, out: program.stdout.join("\n"), err: program.stderr.join("\n") };
  };
  const other = `the connector at ${url} is another one, ${a.identity}`;

  for (const act of [["drop", "--all"], ["replay", "--all"], ["list"]]) {
    const { code, err } = await command("dead-letters", ...act, "--config", b.file);
    assert.equal(code, 1);
    assert.match(err, /another connector is using the data in/);
  }
  for (const act of ["pause", "resume"]) {
    const { code, out, err } = await command(act, "--config", b.file);
    assert.deepEqual([code, out, err], [1, "", `hookferry: ${other}`]);
  }
  for (const asking of ["status", "healthcheck"]) {
    const { code, out, err } = await command(asking, "--config", b.file);
    assert.deepEqual([code, out !== "", err], [0, true, `hookferry: ${other}`]);
  }
  assert.match((await command("dead-letters", "list", "--config", a.file)).out, new RegExp(a.id));
  // Settings that name no connection say only where to ask.
  for (const asking of [["status"], ["healthcheck", "--live"], ["pause"], ["resume"]]) {
    assert.equal((await command(...asking)).code, 0);
  }

  b.connector.terminate();
  assert.equal(await b.connector.ended, 0);
  const dropped = await command("dead-letters", "drop", "--all", "--config", b.file);
  assert.deepEqual(dropped, { code: 0, out: `${b.id}  dropped`, err: "" });
  assert.match((await command("dead-letters", "list", "--config", a.file)).out, new RegExp(a.id));
});
