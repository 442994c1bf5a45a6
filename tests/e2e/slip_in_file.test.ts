/** A slip in the file of a connector that runs: it has refused it and goes on, and whoever asks it is answered. */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { startProgram } from "../support/program.ts";
import { publish, startDevRelay, startTarget } from "../support/rig.ts";
import { test, type TestContext } from "../support/test.ts";

/** A connector whose file has become `slip`, which it refuses, and commands that are given that file. */
async function startWithSlip(
  t: TestContext,
  slip: (settings: Record<string, unknown>) => unknown = () => "{",
) {
  const env = { XDG_STATE_HOME: t.folder() };
  const relay = await startDevRelay(t);
  const target = await startTarget(t, () => 422);
  const file = join(t.folder(), "connector.json");
  const settings = {
    cloud_url: relay.url,
    channel: "dev",
    token: "s3cret",
    default_target: { url: target.url.href },
    status_listen: "127.0.0.1:0",
    log_level: "debug",
  };
  writeFileSync(file, JSON.stringify(settings), { mode: 0o600 });
  const connector = startProgram(t, ["connect", "--config", file], env);
  const { url } = JSON.parse(await connector.line(/status\.listening/)) as { url: string };
  await connector.line(/stream\.connected/);
  const id = await publish(relay, "refused");
  await connector.line(/dead_letter\.stored/);
  const next = slip(settings);
  writeFileSync(file, typeof next === "string" ? next : JSON.stringify(next));
  await connector.line(/config\.reload_failed/);
  return {
    ...{ connector, id, listen: new URL(url).host },
    async command(args: string[], more: Record<string, string> = {}) {
      const program = startProgram(t, [...args, "--config", file], { ...env, ...more });
      const code = await program.ended;
      return { code, out: program.stdout.join("\n"), err: program.stderr.join("\n") };
    },
  };
}

test("a slip in the file of a running connector keeps no command from asking it", async (t) => {
  const { command, listen, id } = await startWithSlip(t);
  const at = ["--status-listen", listen];
  const status = await command(["status", ...at]);
  assert.equal(status.code, 0, status.err);
  assert.match(status.out, /^settings +not taken since /m);
  assert.match(
    status.err,
    /cannot read the file .*connector\.json.*\n.*asking at .* all the same$/,
  );
  const live = await command(["healthcheck", "--live"], { CONNECTOR_STATUS_LISTEN: listen });
  assert.equal(live.code, 0, live.err);
  const list = await command(["dead-letters", "list", ...at]);
  assert.equal(list.code, 0, list.err);
  assert.match(list.out, new RegExp(id));
  assert.equal((await command(["pause", ...at])).code, 0);
  assert.equal((await command(["resume", ...at])).code, 0);
});

const slips: Record<string, (settings: Record<string, unknown>) => unknown> = {
  "another channel and a value that is none": (settings) => ({
    ...settings,
    channel: "other",
    protocol: "carrier_pigeon",
  }),
  "connections, and names none": (settings) => ({ ...settings, connections: {} }),
};

for (const [what, slip] of Object.entries(slips)) {
  test(`a running connector whose file has ${what} is as healthy as before, and its status says what is wrong`, async (t) => {
    const { command, listen } = await startWithSlip(t, slip);
    const at = ["--status-listen", listen];
    const warning = what.startsWith("another")
      ? /^hookferry: the connector at .* is another one, dev@[\d.:]+$/
      : /^$/;
    for (const args of [["healthcheck"], ["status", "--json"]]) {
      const { code, out, err } = await command([...args, ...at]);
      assert.equal(code, 0, err);
      assert.match(err, warning);
      if (args[0] === "status") {
        assert.match(JSON.parse(out).config.problem, /protocol|connections/);
      }
    }
    const live = await command(["healthcheck", "--live", ...at]);
    assert.deepEqual([live.code, live.err], [0, ""]);
    const pause = await command(["pause", ...at]);
    assert.match(pause.err, warning);
    assert.equal(pause.code, pause.err === "" ? 0 : 1);
  });
}

test("where a file cannot be read says where its connector listens, only what changes nothing is asked at the default", async (t) => {
  const { command } = await startWithSlip(t);
  const health = await command(["healthcheck"]);
  assert.notEqual(health.code, 78);
  assert.match(health.err, /asking at 127\.0\.0\.1:8421 \(default\) all the same/);
  for (const args of [["pause"], ["resume"], ["dead-letters", "drop", "--all"]]) {
    const { code, err } = await command(args);
    assert.equal(code, 78);
    assert.match(err, /cannot read the file .*connector\.json/);
    assert.match(err, /give --status-listen/);
  }
});

test("a slip in the file of a connector that does not run is what dead-letters tells", async (t) => {
  const { command, connector, listen } = await startWithSlip(t);
  connector.terminate();
  await connector.ended;
  const { code, err } = await command(["dead-letters", "list", "--status-listen", listen]);
  assert.equal(code, 78);
  assert.match(err, /cannot read the file .*connector\.json/);
  assert.doesNotMatch(err, /cloud_url/);
});
