import assert from "node:assert/strict";
import http from "node:http";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { startGate } from "../support/gate.ts";
import { startOldRelay } from "../support/old_relay.ts";
import { startOtlpReceiver } from "../support/otlp_receiver.ts";
import { startProgram } from "../support/program.ts";
import { publish, startDevRelay, startTarget } from "../support/rig.ts";
import { test, type TestContext } from "../support/test.ts";

/** The samples of Prometheus text, by name with labels. */
function samples(text: string): Map<string, number> {
  return new Map(
    text.split("\n").filter((line) => line !== "" && !line.startsWith("#")).map((line) => {
      const at = line.lastIndexOf(" ");
      return [line.slice(0, at), Number(line.slice(at + 1))] as const;
    }),
  );
}

function declared(text: string): string[] {
  return [...text.matchAll(/^# TYPE (\S+)/gm)].map(([, name = ""]) => name);
}

/** Notes which metrics have been above zero. */
async function scrapeInto(seen: Map<string, boolean>, url: string): Promise<Map<string, number>> {
  const response = await fetch(`${url}/metrics`);
  assert.match(response.headers.get("content-type") ?? "", /^text\/plain; version=0\.0\.4/);
  const text = await response.text();
  for (const name of declared(text)) seen.set(name, seen.get(name) ?? false);
  for (const [sample, value] of samples(text)) {
    const name = sample.replace(/\{.*/, "").replace(/_(bucket|sum|count)$/, "");
    const metric = seen.has(name) ? name : sample.replace(/\{.*/, "");
    if (value > 0) seen.set(metric, true);
  }
  return samples(text);
}

/** Dead letters, a breaker, a journal that cannot be had, a pause. */
async function driveRest(t: TestContext, folder: string, seen: Map<string, boolean>) {
  const target = await startTarget(t, () => 500);
  const relay = await startDevRelay(t);
  writeFileSync(join(folder, "no-folder"), "");
  const file = join(folder, "connector.json");
  writeFileSync(
    file,
    JSON.stringify({
      cloud_url: relay.url,
      channel: "dev",
      token: "s3cret",
      status_listen: "127.0.0.1:0",
      journal: `sqlite:${folder}/no-folder`,
      on_exhausted: "dead_letter",
      dead_letter_max_messages: 1,
      default_target: {
        url: target.url.href,
        retry_enabled: false,
        breaker: { consecutive_failures: 4, open_seconds: 1_000, max_held: 1 },
      },
    }),
    { mode: 0o600 },
  );
  const connector = startProgram(t, ["connect", "--config", file, "--log-level", "debug"], {
    XDG_STATE_HOME: folder,
    OTEL_EXPORTER_OTLP_ENDPOINT: (await startOtlpReceiver(t, { status: 400 })).url,
    OTEL_BSP_SCHEDULE_DELAY: "10",
    OTEL_TRACES_SAMPLER: "always_on", // the relay records none
  });
  const url = JSON.parse(await connector.line(/status\.listening/)).url as string;
  const ask = async (method: string, path: string) => {
    const token = readFileSync(join(folder, "hookferry/status", `${new URL(url).port}.token`));
    const headers = { Authorization: `Bearer ${token}` };
    await (await fetch(`${url}/-${path}`, { method, headers })).text();
  };
  const first = await publish(relay, "1");
  await connector.line(/dead_letter\.stored/);
  await ask("POST", `/dead-letters/${first}/replay`);
  const second = await publish(relay, "2");
  await connector.line(/dead_letter\.dropped/);
  await publish(relay, "3"); // opens the breaker, and goes back
  await connector.line(/breaker\.changed/);
  await publish(relay, "4");
  await publish(relay, "5"); // one of the two is held, the other goes back
  await connector.line(/delivery\.deferred.*enough messages wait/);
  await connector.line(/trace\.export_failed/);
  await ask("POST", "/reload");
  writeFileSync(file, "{");
  await ask("POST", "/reload");
  await ask("POST", "/pause");
  const got = await scrapeInto(seen, url);
  assert.equal(got.get("hookferry_config_last_reload_successful"), 0);
  assert.equal(got.get("hookferry_journal_healthy"), 0);
  assert.equal(got.get('hookferry_breaker_state{target="default"}'), 2);
  assert.equal(got.get('hookferry_breaker_held_messages{target="default"}'), 1);
  assert.equal(got.get("hookferry_dead_letters"), 1);
  assert.equal(got.get("hookferry_dead_letters_dropped_total"), 1);
  await ask("POST", "/resume");
  await ask("DELETE", `/dead-letters/${second}`);
  await connector.line(/dead_letter\.forgotten.*"by":"hand"/);
  connector.terminate();
  assert.equal(await connector.ended, 75); // with the one that was held
  return connector.stderr;
}

/** The port nobody asked for is taken, and the webhooks are shown, and go in batches and to two targets. */
async function driveDefaults(t: TestContext, target: URL): Promise<readonly string[]> {
  const taken = http.createServer();
  taken.on("error", () => {}); // somebody else has it: as good
  await new Promise((resolve) =>
    taken.once("error", resolve).listen(8421, "127.0.0.1", () => resolve(0))
  );
  t.defer(() => taken.close());
  const relay = await startDevRelay(t);
  const file = join(t.folder(), "connector.json");
  const to = [{ url: target.href, batch: { max_messages: 1 } }, { url: target.href }];
  writeFileSync(file, JSON.stringify({ targets: { hook: to } }));
  const connector = startProgram(t, [
    ...["connect", "--cloud-url", relay.url, "--channel", "dev", "--config", file],
    ...["--journal", "memory", "--log-level", "debug", "--log-payload"],
  ], { CONNECTOR_TOKEN: "s3cret" });
  await connector.line(/status\.unavailable/);
  await publish(relay, "{}");
  await connector.line(/settlement\.confirmed/);
  connector.terminate();
  assert.equal(await connector.ended, 0);
  return connector.stderr;
}

test("requirement 14: every metric of the registry and every event is driven by something that really happens", async (t) => {
  const folder = t.folder();
  const tokenFile = join(folder, "token");
  writeFileSync(tokenFile, "s3cret\n", { mode: 0o644 });

  const held: ((status: number) => void)[] = [];
  // The first fails for now, the second for good, then some are held, the rest is well.
  const target = await startTarget(t, (n) => {
    if (n === 1) return 503;
    if (n === 2) return 410;
    return n <= 4 ? new Promise((resolve) => held.push(resolve)) : 200;
  });
  const relay = await startOldRelay(t);
  const blocked = new Set(["websocket", "ack"]);
  const gate = await startGate(t, relay.url, blocked);
  const connector = startProgram(t, [
    ...["connect", "--cloud-url", gate, "--channel", "dev", "--token-file", tokenFile],
    ...["--target-url", target.url.href, "--status-listen", "127.0.0.1:0", "--inspect"],
    ...["--max-concurrent-requests", "1", "--max-queue-messages", "2", "--log-level", "debug"],
    ...["--reconnect-delay", "0.01", "--max-reconnect-delay", "0.02"],
  ], { CONNECTOR_STATUS_TOKEN: "hush" });
  const url = JSON.parse(await connector.line(/status\.listening/)).url as string;
  const seen = new Map<string, boolean>();
  const scrape = () => scrapeInto(seen, url);

  await connector.line(/stream\.connected/);
  const [stream] = relay.streams;
  assert.ok(stream);
  stream.raw("event: tea\ndata: {}\n\n");
  await connector.line(/stream\.frame_ignored/);
  relay.publish("1", { "no header": "" }); // 503, then a retry, and that is rejected with 410
  await connector.line(/delivery\.retrying/);
  await connector.line(/delivery\.failed/);
  await connector.line(/settlement\.failed/);
  assert.equal((await scrape()).get("hookferry_unconfirmed_settlements"), 1);
  blocked.delete("ack");
  await connector.line(/settlement\.confirmed/);
  const id = relay.publish("2");
  await target.arrived(3);
  const message = stream.inFlight.get(id);
  assert.ok(message);
  stream.send(message);
  await connector.line(/delivery\.duplicate/);
  relay.publish("3");
  relay.publish("4");
  await connector.line(/stream\.backpressure/);
  const full = await scrape();
  assert.equal(full.get("hookferry_in_hand_messages"), 2);
  assert.equal(full.get('hookferry_in_flight{target="default"}'), 1);
  assert.equal(full.get('hookferry_queue_depth{target="default"}'), 1);
  assert.equal(full.get("hookferry_backpressure"), 1);
  assert.equal(full.get('hookferry_connected{transport="sse"}'), 1);
  held[0]?.(200);
  await connector.line(/delivery\.succeeded/);
  await target.arrived(4);
  const again = fetch(`${url}/-/messages/${id}/replay`, {
    method: "POST",
    headers: { Authorization: "Bearer hush" },
  }).then((response) => response.text());
  connector.terminate();
  await connector.line(/connector\.draining/);
  await scrape();
  held[1]?.(200);
  await again;
  await connector.ended;
  const lines = [
    ...connector.stderr,
    ...await driveRest(t, folder, seen),
    ...await driveDefaults(t, target.url),
  ];
  const told = lines.map((line) => JSON.parse(line) as Record<string, string>);
  const events = new Set(told.map(({ event }) => event));
  // The log has to be left unread for it: tests/e2e/log.test.ts.
  events.add("log.lines_lost");
  const source = new URL("../../src/observe/events.ts", import.meta.url);
  const declared = [...readFileSync(source, "utf8").matchAll(/readonly type: "([^"]+)"/g)];
  const silent = declared.flatMap(([, name = ""]) => events.has(name) ? [] : [name]);
  assert.deepEqual(silent, [], "every event is driven, too");
  const known = new Map(told.map(({ messageId, traceId }) => [messageId, traceId]));
  const unnamed = told.filter(({ messageId, webhookId, traceId }) =>
    messageId !== undefined && (webhookId === undefined || traceId !== known.get(messageId))
  );
  assert.deepEqual(unnamed, [], "every line about a message tells of which webhook and trace");

  const undriven = [...seen].filter(([, driven]) => !driven).map(([name]) => name);
  assert.deepEqual(undriven, []);
  assert.ok(seen.size >= 20, `only ${seen.size} metrics`);
});

test("the status server tells alive, ready and why not; healthcheck asks it", async (t) => {
  const target = await startTarget(t);
  const relay = await startOldRelay(t, { isKnown: false });
  const connector = startProgram(
    t,
    [
      ...["connect", "--cloud-url", relay.url, "--channel", "dev", "--to", target.url.href],
      ...["--status-listen", "127.0.0.1:0", "--log-level", "debug", "--log-format", "json"],
      ...["--reconnect-delay", "0.01", "--max-reconnect-delay", "0.02", "--protocol", "websocket"],
      "--token-stdin",
    ],
    {},
    "s3cret\n",
  );
  const url = JSON.parse(await connector.line(/status\.listening/)).url as string;
  const listen = new URL(url).host;
  await connector.line(/stream\.failed/);
  const ask = async (path: string, headers: Record<string, string> = {}) => {
    const response = await fetch(`${url}${path}`, { headers });
    return { status: response.status, body: await response.json() };
  };
  assert.deepEqual(await ask("/healthz"), { status: 200, body: { status: "ok" } });
  assert.deepEqual(await ask("/livez"), { status: 200, body: { status: "ok" } });
  const notReady = await ask("/readyz");
  assert.equal(notReady.status, 503);
  assert.match(notReady.body.parts[0].detail, /check the token/);
  const unwell = startProgram(t, ["healthcheck", "--status-listen", listen]);
  assert.equal(await unwell.ended, 1);
  const alive = startProgram(t, ["healthcheck", "--live", "--status-listen", listen]);
  assert.equal(await alive.ended, 0);

  relay.publish("{}");
  await connector.line(/delivery\.succeeded/);
  const ready = await ask("/readyz");
  assert.equal(ready.status, 200);
  assert.deepEqual(ready.body.parts.map(({ name }: { name: string }) => name), [
    "connection",
    "intake",
    "journal",
    "target default",
  ]);
  const well = startProgram(t, ["healthcheck", "--status-listen", listen]);
  assert.equal(await well.ended, 0);
  const { body } = await ask("/status");
  assert.equal(body.connection.transport, "websocket");
  assert.equal(body.totals.delivered, 1);
  assert.ok(body.reconnects.failures >= 1);
  assert.match(body.reconnects.last_failure.message, /403/);
  assert.doesNotMatch(JSON.stringify(body), /s3cret/);
  assert.doesNotMatch(connector.stderr.join("\n"), /s3cret/);
  connector.terminate();
  assert.equal(await connector.ended, 0);
});
