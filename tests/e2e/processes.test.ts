/** The real program in processes of its own, on the runtime that runs the test. */
import assert from "node:assert/strict";
import { parseConnectString } from "../../src/cli/connect_string.ts";
import { startProgram } from "../support/program.ts";
import { startTarget } from "../support/rig.ts";
import { test } from "../support/test.ts";

test("relay and connect in two processes: SIGTERM with five deliveries in hand loses none, doubles none, exits 0", async (t) => {
  const answers: ((status: number) => void)[] = [];
  const target = await startTarget(t, () => new Promise((resolve) => answers.push(resolve)));
  const relay = startProgram(t, ["relay", "--listen", "127.0.0.1:0"]);
  const connectLine = await relay.line(/^connect /);
  const line = /'(.*)'/.exec(connectLine)?.[1] ?? "";
  const { url = "", token = "" } = parseConnectString(line) ?? {};
  const connector = startProgram(
    t,
    ["connect", "--from", "-", "--to", target.url.href, "--log-level", "debug"],
    {},
    `${line}\n`,
  );
  await connector.line(/stream\.connected/);
  for (let i = 0; i < 5; i++) {
    const response = await fetch(`${url}/webhook/default`, { method: "POST", body: String(i) });
    assert.equal(response.status, 202);
    await response.body?.cancel();
  }
  await target.arrived(5);
  connector.terminate();
  await connector.line(/connector\.draining/);
  for (const answer of answers) answer(200);
  assert.equal(await connector.ended, 0);
  assert.deepEqual(
    target.got.map(({ body }) => new TextDecoder().decode(body)).sort(),
    ["0", "1", "2", "3", "4"],
  );

  const status = await fetch(`${url}/connect/status/default`, {
    headers: { Authorization: `Bearer ${token}` },
  });
  const { stats } = await status.json() as { stats: Record<string, number> };
  assert.deepEqual(
    [stats["messages_delivered"], stats["messages_queued"], stats["messages_in_flight"]],
    [5, 0, 0],
  );
  relay.terminate();
  assert.equal(await relay.ended, 0);

  // Requirement 13: stdout is for data, and every log line is JSON. Requirement 7: no token in either.
  for (const line of connector.stdout) assert.equal(JSON.parse(line).v, 1, line);
  for (const line of connector.stderr) assert.equal(typeof JSON.parse(line).event, "string", line);
  const said = [...connector.stdout, ...connector.stderr].join("\n");
  assert.doesNotMatch(said, new RegExp(token));
});

const failures: [name: string, args: string[], code: number, says: RegExp][] = [
  [
    "requirement 7: --token is refused, with the safe ways",
    ["connect", "--token", "x"],
    2,
    /CONNECTOR_TOKEN/,
  ],
  ["an unknown flag is a usage error", ["connect", "--nope"], 2, /nope/],
  ["an unknown command is a usage error", ["ferry"], 2, /unknown command "ferry"/],
  [
    "requirement 10: a missing configuration ends with 78",
    ["connect"],
    78,
    /cloud_url: is required/,
  ],
  ["a relay's file that is not there ends with 78", ["relay", "--webhooks", "/nope"], 78, /\/nope/],
];
for (const [name, args, code, says] of failures) {
  test(name, async (t) => {
    const program = startProgram(t, args);
    assert.equal(await program.ended, code, program.stderr.join("\n"));
    assert.match(program.stderr.join("\n"), says);
    assert.deepEqual(program.stdout, []);
  });
}

test("a refused token ends with 77 when asked for", async (t) => {
  const relay = startProgram(t, ["relay", "--listen", "127.0.0.1:0"]);
  const url = (await relay.line(/^listening /)).split(/\s+/)[1] ?? "";
  const program = startProgram(t, [
    "connect",
    "--cloud-url",
    url,
    "--channel",
    "default",
    "--target-url",
    "http://127.0.0.1:1/",
    "--exit-on-auth-failure",
  ], { CONNECTOR_TOKEN: "wrong-token" });
  assert.equal(await program.ended, 77, program.stderr.join("\n"));
  assert.match(program.stderr.join("\n"), /check the token/);
  assert.doesNotMatch(program.stderr.join("\n"), /wrong-token/);
});

for (const protocol of ["websocket", "sse", "long_poll"]) {
  test(`[${protocol}] a relay that is stopped ends its streams and exits 0; the connector waits for it, and can be stopped`, async (t) => {
    const relay = startProgram(t, ["relay", "--listen", "127.0.0.1:0"]);
    const line = /'(.*)'/.exec(await relay.line(/^connect /))?.[1] ?? "";
    const connector = startProgram(
      t,
      ["connect", "--from", "-", "--to", "1", "--protocol", protocol, "--status-listen", "off"],
      {},
      `${line}\n`,
    );
    await connector.line(/stream\.connected/);
    relay.terminate();
    assert.equal(await relay.ended, 0);
    await connector.line(/stream\.failed/);
    connector.terminate();
    assert.equal(await connector.ended, 0);
  });
}
