import assert from "node:assert/strict";
import { goesOn } from "../support/goes_on.ts";
import { type Program, startProgram } from "../support/program.ts";
import { publish, startDevRelay, startTarget } from "../support/rig.ts";
import { test } from "../support/test.ts";

const trace = "4bf92f3577b34da6a3ce929d0e0e4736";

function connect(url: string, target: URL, ...more: string[]): string[] {
  return [
    ...["connect", "--cloud-url", url, "--channel", "dev", "--to", target.href],
    ...["--journal", "memory", "--status-listen", "off", "--log-format", "json", ...more],
  ];
}
const env = { CONNECTOR_TOKEN: "s3cret" };

test("a log that nobody reads any more stops no delivery", async (t) => {
  const target = await startTarget(t);
  const relay = await startDevRelay(t);
  const args = connect(relay.url, target.url, "--log-level", "debug");
  const connector = startProgram(t, args, env);
  await connector.line(/stream\.connected/);
  connector.closeStderr();
  await goesOn(connector, relay, target);
});

test("a relay whose log nobody reads still takes webhooks", async (t) => {
  const args = ["relay", "--listen", "127.0.0.1:0", "--durability", "memory"];
  const relay = startProgram(t, [...args, "--log-level", "debug"]);
  const url = /post to\s+(\S+)/.exec(await relay.line(/post to/))?.[1] ?? "";
  relay.closeStderr();
  for (let n = 1; n <= 3; n++) {
    const response = await fetch(url, { method: "POST", body: "{}" });
    await response.text();
    assert.equal(response.status, 202);
  }
  relay.terminate();
  assert.equal(await relay.ended, 0);
});

test("every line about a message names it: message, webhook and trace, and target and attempt where there is one", async (t) => {
  const target = await startTarget(t, (n) => n === 1 ? 503 : 200);
  const relay = await startDevRelay(t);
  const args = connect(relay.url, target.url, "--log-level", "debug");
  const connector = startProgram(t, args, env);
  await connector.line(/stream\.connected/);
  const response = await fetch(`${relay.url}/webhook/hook`, {
    method: "POST",
    headers: { traceparent: `00-${trace}-00f067aa0ba902b7-01` },
  });
  const { message_id } = await response.json() as { message_id: string };
  await connector.line(/settlement\.confirmed/);
  connector.terminate();
  assert.equal(await connector.ended, 0);
  const lines = connector.stderr.map((line) => JSON.parse(line) as Record<string, unknown>)
    .filter(({ event }) => /^(delivery|settlement)\./.test(String(event)));
  assert.deepEqual(lines.map(({ event }) => event), [
    ...["delivery.received", "delivery.attempted", "delivery.retrying", "delivery.attempted"],
    ...["delivery.succeeded", "settlement.confirmed"],
  ]);
  for (const line of lines) {
    assert.equal(line["messageId"], message_id);
    assert.equal(line["webhookId"], "hook");
    assert.equal(line["traceId"], trace);
  }
  assert.deepEqual(
    lines.filter(({ event }) => event === "delivery.attempted")
      .map(({ target, attempt }) => [target, attempt]),
    [["default", 1], ["default", 2]],
  );
});

test("what a webhook holds is logged only with --log-payload at level debug, and then without its secrets", async (t) => {
  const target = await startTarget(t);
  const relay = await startDevRelay(t);
  const post = () =>
    fetch(`${relay.url}/webhook/hook/a?token=hush`, {
      method: "POST",
      body: "the body",
      headers: { Authorization: "Bearer hush" },
    }).then((response) => response.text());
  const run = async (level: string, ...more: string[]) => {
    const args = connect(relay.url, target.url, "--log-level", level, ...more);
    const connector = startProgram(t, args, env);
    await connector.line(/stream\.connected/);
    await post();
    await connector.line(/delivery\.succeeded/);
    connector.terminate();
    assert.equal(await connector.ended, 0);
    return connector.stderr.join("\n");
  };
  assert.doesNotMatch(await run("debug"), /the body|hush/);
  const asked = await run("info", "--log-payload");
  assert.doesNotMatch(asked, /the body|hush/);
  assert.match(asked, /"config\.warning".*log_payload shows nothing at log_level info/);
  const shown = await run("debug", "--log-payload");
  assert.doesNotMatch(shown, /hush/);
  const line = shown.split("\n").find((line) => line.includes("delivery.payload")) ?? "{}";
  const { level, method, path, body } = JSON.parse(line);
  assert.deepEqual([level, method, path, body], [
    "debug",
    "POST",
    "/a?token=[redacted]",
    "the body",
  ]);
});

test("errors that come again share a line, with their number; at level debug each has its own", async (t) => {
  const target = await startTarget(t, () => 422);
  const relay = await startDevRelay(t);
  const run = async (level: string) => {
    const before = target.got.length;
    const args = connect(relay.url, target.url, "--log-level", level);
    const connector = startProgram(t, args, env);
    await connector.line(/stream\.connected/);
    for (let n = 1; n <= 3; n++) {
      await publish(relay, "{}");
      await target.arrived(before + n);
    }
    connector.terminate();
    assert.equal(await connector.ended, 0);
    return connector.stderr.map((line) => JSON.parse(line) as Record<string, unknown>)
      .filter(({ event }) => event === "delivery.failed").map(({ repeated }) => repeated);
  };
  assert.deepEqual(await run("info"), [undefined, 2]);
  assert.deepEqual(await run("debug"), [undefined, undefined, undefined]);
});

/** So much of a log that more of it waits than may. */
const flood = 1_000;
const large = `/${"x".repeat(4_000)}`;

/** The line of a log that was read too late which tells how many are missing. */
async function lost(program: Program, event: string): Promise<number> {
  program.readLogOn();
  const line = JSON.parse(await program.line(new RegExp(event.replace(".", "\\."))));
  assert.equal(line.level, "warning");
  program.terminate();
  assert.equal(await program.ended, 0);
  for (const line of program.stderr) assert.equal(typeof JSON.parse(line).event, "string");
  return line.lines;
}

test("lines of a log that nobody reads for a while are missing, and a line says how many", async (t) => {
  const target = await startTarget(t);
  const relay = await startDevRelay(t);
  const args = connect(relay.url, target.url, "--log-level", "debug", "--log-payload");
  const connector = startProgram(t, args, env);
  await connector.line(/stream\.connected/);
  connector.stopReadingLog();
  for (let n = 0; n < flood; n++) {
    await publish(relay, large);
  }
  await target.arrived(flood);
  assert.ok(await lost(connector, "log.lines_lost") > 0);
  const received = connector.stderr.filter((line) => line.includes('"delivery.received"'));
  assert.ok(received.length < flood, String(received.length));
});

test("so it is of a relay's log", async (t) => {
  const args = ["relay", "--listen", "127.0.0.1:0", "--durability", "memory"];
  const relay = startProgram(t, [...args, "--log-level", "debug"]);
  const url = (await relay.line(/^listening/)).split(/\s+/)[1] ?? "";
  relay.stopReadingLog();
  for (let n = 0; n < flood; n++) {
    const response = await fetch(`${url}/webhook${large}`, { method: "POST" });
    await response.body?.cancel();
  }
  assert.ok(await lost(relay, "relay.log_lines_lost") > 0);
});
