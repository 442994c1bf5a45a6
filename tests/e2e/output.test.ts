/** What connect and dev say on standard output when it is no terminal. */
import assert from "node:assert/strict";
import { recordSchema } from "../../src/output/record.ts";
import { goesOn } from "../support/goes_on.ts";
import { startProgram } from "../support/program.ts";
import { publish, startDevRelay, startTarget } from "../support/rig.ts";
import { test, type TestContext } from "../support/test.ts";

async function start(t: TestContext, ...more: string[]) {
  const target = await startTarget(t);
  const relay = await startDevRelay(t);
  const connector = startProgram(t, [
    ...["connect", "--cloud-url", relay.url, "--channel", "dev", "--to", target.url.href],
    ...["--journal", "memory", "--status-listen", "off", "--log-format", "json", ...more],
  ], { CONNECTOR_TOKEN: "s3cret" });
  await connector.line(/"stream\.connected"/);
  return { target, relay, connector };
}

test("by itself it is one JSON object a line, each as the published schema says, and the log is beside it", async (t) => {
  const { relay, connector } = await start(t);
  const id = await publish(relay, "{}");
  await connector.line(/"verdict":"ack"/);
  connector.terminate();
  assert.equal(await connector.ended, 0);
  const records = connector.stdout.map((line) => recordSchema.parse(JSON.parse(line)));
  assert.deepEqual(
    records.map((record) => [record.type, "message_id" in record && record.message_id]),
    [["connection", false], ["message", id], ["settled", id], ["connection", false]],
  );
  assert.ok(connector.stderr.every((line) => "event" in JSON.parse(line)));
});

test("--output text is lines for people, --output quiet is nothing", async (t) => {
  for (const [output, lines] of [["text", 4], ["quiet", 0]] as const) {
    const { relay, connector, target } = await start(t, "--output", output);
    await publish(relay, "{}");
    await target.arrived(1);
    connector.terminate();
    assert.equal(await connector.ended, 0);
    assert.equal(connector.stdout.length, lines);
    if (output === "text") assert.match(connector.stdout[1] ?? "", /^delivered {2}POST hook -> /);
  }
});

test("an output that nobody reads on stops neither deliveries nor the end", async (t) => {
  const { relay, connector, target } = await start(t);
  connector.stopReading();
  // Together far more than a pipe holds.
  const path = `/${"x".repeat(4_000)}`;
  const count = 100;
  for (let n = 0; n < count; n++) {
    const response = await fetch(`${relay.url}/webhook/hook${path}`, { method: "POST" });
    await response.body?.cancel();
  }
  await target.arrived(count);
  connector.terminate();
  assert.equal(await connector.exited, 0);
});

test("an output whose reader has gone stops no delivery", async (t) => {
  const { relay, connector, target } = await start(t);
  connector.closeStdout();
  await goesOn(connector, relay, target);
});

test("--output live without a terminal is refused, and so is what it is not", async (t) => {
  const base = ["connect", "--cloud-url", "http://127.0.0.1:1", "--channel", "dev", "--to", "3000"];
  const live = startProgram(t, [...base, "--output", "live"], { CONNECTOR_TOKEN: "s3cret" });
  assert.equal(await live.ended, 2);
  assert.match(live.stderr.join("\n"), /--output live: standard output is no terminal/);
  const wrong = startProgram(t, [...base, "--output", "xml"], { CONNECTOR_TOKEN: "s3cret" });
  assert.equal(await wrong.ended, 78);
  assert.match(wrong.stderr.join("\n"), /"xml".*auto, live, text, json/);
  const dev = startProgram(t, ["dev", "--output", "xml"]);
  assert.equal(await dev.ended, 2);
});
