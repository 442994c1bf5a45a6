/** Commands that look for the state of a user who is not the one meant, or has no home. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { programCommand, startProgram } from "../support/program.ts";
import { publish, startDevRelay, startTarget } from "../support/rig.ts";
import { run } from "../support/shell.ts";
import { test, testUnless } from "../support/test.ts";

const other =
  "ask as the connector's user, or for a service with XDG_STATE_HOME=/var/lib/hookferry/NAME";

test("whoever asks a connector of another user is told whose token is wanted, and that there is no journal here", async (t) => {
  const [theirs, ours] = [t.folder(), t.folder()];
  const relay = await startDevRelay(t);
  const target = await startTarget(t, () => 422);
  const settings = {
    CONNECTOR_CLOUD_URL: relay.url,
    CONNECTOR_CHANNEL: "dev",
    CONNECTOR_TOKEN: "s3cret",
    CONNECTOR_TARGET_URL: target.url.href,
  };
  const connector = startProgram(t, ["connect", "--status-listen", "127.0.0.1:0"], {
    ...settings,
    XDG_STATE_HOME: theirs,
  });
  const { url } = JSON.parse(await connector.line(/status\.listening/));
  await publish(relay, "1");
  await connector.line(/dead_letter\.stored/);
  const { host, port } = new URL(url);
  const ask = async (args: string[], env: Record<string, string> = {}) => {
    const asked = startProgram(t, [...args, "--status-listen", host], {
      ...settings,
      XDG_STATE_HOME: ours,
      ...env,
    });
    return [await asked.ended, asked.stderr.join("\n")];
  };
  const token = join(ours, "hookferry", "status", `${port}.token`);
  const wanted = `hookferry: the connector at http://${host} wants its status token, ` +
    `and there is no ${token}: ${other}`;
  assert.deepEqual(await ask(["pause"]), [1, wanted]);
  assert.deepEqual(await ask(["dead-letters", "list"]), [1, wanted]);
  assert.deepEqual(await ask(["pause"], { CONNECTOR_STATUS_TOKEN: "wrong" }), [
    1,
    `hookferry: the connector at http://${host} refuses the status token in status_token: ${other}`,
  ]);
  connector.terminate();
  assert.equal(await connector.ended, 0);
  const folder = join(ours, "hookferry", "connect", `dev@${new URL(relay.url).host}`)
    .replace(/:(\d+)$/, "_$1");
  assert.deepEqual(await ask(["dead-letters", "list"]), [
    1,
    `hookferry: no connector is running, and there is no journal in ${JSON.stringify(folder)}: ` +
    other,
  ]);
  assert.equal(existsSync(folder), false, "a question makes none");
  assert.deepEqual(await ask(["dead-letters", "drop", "--all"], { XDG_STATE_HOME: theirs }), [
    0,
    "",
  ]);
});

/** Who is nobody to the system, and may all the same read what the test may. */
const stranger = ["unshare", "--map-user=54321"];
const noStranger = spawnSync(stranger[0] ?? "", [...stranger.slice(1), "true"]).status === 0
  ? undefined
  : "no user namespaces here";

testUnless(
  noStranger,
  "a user whom the system does not know, without HOME, gets answers",
  async () => {
    // Deno has its cache in a home, where nothing else is said.
    const deno = process.env["DENO_DIR"] ?? join(process.env["HOME"] ?? "", ".cache", "deno");
    const asked = (...args: string[]) =>
      run([...stranger, ...programCommand(args)], { DENO_DIR: deno });
    const check = await asked("config", "check");
    assert.equal(check.code, 78, check.stderr);
    assert.match(check.stderr, /cloud_url: is required/);
    const pause = await asked("pause", "--status-listen", "127.0.0.1:1");
    assert.equal(pause.code, 1, pause.stderr);
    assert.match(pause.stderr, /^hookferry: no connector answers at http:\/\/127\.0\.0\.1:1/);
  },
);
