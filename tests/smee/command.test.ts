/** `--source smee` as a person meets it: one command, and what the settings say of it. */
import assert from "node:assert/strict";
import { journalFolder } from "../../src/cli/connector_journal.ts";
import { loadSettings } from "../../src/config/load.ts";
import { ConfigError } from "../../src/config/config_error.ts";
import { startProgram } from "../support/program.ts";
import { hashOf } from "../../src/relay/tokens.ts";
import { publish, startDevRelay, startTarget } from "../support/rig.ts";
import { smeePath, startSmeeServer } from "../support/smee_server.ts";
import { test } from "../support/test.ts";

const relayPath = "who-knows-this-reads-the-channel";

for (const given of ["word", "flag"] as const) {
  test(`connect --source smee with the URL as a ${given} delivers, warns, and ends clean`, async (t) => {
    const server = await startSmeeServer(t, "smee.io");
    const target = await startTarget(t);
    const url = given === "word" ? [server.url] : ["--cloud-url", server.url];
    const program = startProgram(t, [
      ...["connect", "--source", "smee", ...url, "--to", target.url.href],
      ...["--status-listen", "off", "--log-format", "json"],
    ]);
    await server.opened(1);
    server.post('{"a":1}', { "content-type": "application/json" });
    await target.arrived(1);
    assert.equal(Buffer.from(target.got[0]?.body ?? "").toString(), '{"a":1}');
    assert.match(await program.line(/no acknowledgements/), /is lost/);
    await program.line(/delivery\.succeeded/);
    program.terminate();
    assert.equal(await program.ended, 0, program.stderr.join("\n"));
    assert.doesNotMatch([...program.stdout, ...program.stderr].join("\n"), new RegExp(smeePath));
  });
}

test("a word beside other flags, or without --source, is a slip", async (t) => {
  for (const flags of [[], ["--source", "smee", "--cloud-url", "https://smee.io/x"]]) {
    const program = startProgram(t, ["connect", "https://smee.io/y", ...flags]);
    assert.equal(await program.ended, 2);
    assert.match(program.stderr.join("\n"), /"https:\/\/smee\.io\/y" is not expected here/);
  }
});

test("config check says what a smee source does not promise; config show hides its URL", async (t) => {
  const env = {
    CONNECTOR_SOURCE: "smee",
    CONNECTOR_CLOUD_URL: `https://smee.example/${smeePath}`,
    CONNECTOR_TARGET_URL: "http://127.0.0.1:3000/",
    CONNECTOR_TOKEN: "unused",
  };
  const check = startProgram(t, ["config", "check"], env);
  assert.equal(await check.ended, 0, check.stderr.join("\n"));
  const warnings = check.stderr.join("\n");
  assert.match(warnings, /posted while the connector is not connected is lost/);
  assert.match(warnings, /token: is not sent/);
  const show = startProgram(t, ["config", "show"], env);
  assert.equal(await show.ended, 0);
  const shown = show.stdout.join("\n");
  assert.match(shown, /^cloud_url = "https:\/\/smee\.example\/\*\*\*"/m);
  assert.doesNotMatch(shown, new RegExp(`${smeePath}|unused`));
});

test("settings that a smee source cannot keep are refused, with what to use", () => {
  const flags = { source: "smee", cloud_url: "https://smee.example/x", target_url: "http://x/" };
  const load = (more: Record<string, string>) =>
    loadSettings({ file: undefined, env: {}, flags: { ...flags, ...more } }).settings;
  assert.throws(
    () => load({ protocol: "sse", on_exhausted: "nack" }),
    (error) =>
      error instanceof ConfigError &&
      /protocol: "sse" .*use auto.*\n?.*on_exhausted: "nack" .*use dead_letter/s
        .test(error.problems.join("\n")),
  );
  const { source, delivery } = load({ channel: "github", on_exhausted: "dead_letter" });
  assert.equal(source.channel, "github");
  assert.equal(delivery.onExhausted, "dead_letter");
  assert.equal(load({}).source.channel, "smee");
});

test("doctor asks whether the channel is there, and takes no message and sends no token", async (t) => {
  const relay = await startDevRelay(t, { smeePathHash: hashOf(relayPath) });
  await publish(relay, "waits");
  const gosmee = await startSmeeServer(t, "gosmee");
  const target = await startTarget(t);
  const ask = async (url: string) => {
    const flags = ["--source", "smee", url, "--to", target.url.href];
    const program = startProgram(t, ["doctor", "--json", ...flags, "--journal", "memory"], {
      CONNECTOR_TOKEN: "unused",
    });
    const code = await program.ended;
    return [code, /"check":\s*"smee",\s*"status":\s*"(\w+)"/.exec(program.stdout.join("\n"))?.[1]];
  };
  assert.deepEqual(await ask(`${relay.url}/smee/${relayPath}`), [0, "ok"]);
  assert.deepEqual(await ask(gosmee.url), [0, "ok"]);
  assert.deepEqual(await ask(`${gosmee.url}x`), [1, "fail"]);
  assert.equal(relay.registry.named("dev")?.channel.stats.queued, 1);
  assert.equal(gosmee.requests.length, 0);
});

test("two channels of one server have a journal each, whose name does not tell the URL", () => {
  const folders = ["one-secret", "other-secret"].map((path) => {
    const flags = { source: "smee", cloud_url: `https://smee.io/${path}`, target_url: "http://x/" };
    return journalFolder(loadSettings({ file: undefined, env: {}, flags }).settings) ?? "";
  });
  assert.notEqual(folders[0], folders[1]);
  assert.doesNotMatch(folders.join(), /secret/);
});
