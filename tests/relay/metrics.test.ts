import assert from "node:assert/strict";
import { copyFileSync, readFileSync } from "node:fs";
import https from "node:https";
import { join } from "node:path";
import process from "node:process";
import { DatabaseSync } from "node:sqlite";
import type { RelayEvent } from "../../src/relay/relay_events.ts";
import { sqliteStores } from "../../src/relay/sqlite/sqlite_stores.ts";
import { channelConfig } from "../../src/relay/webhooks_file.ts";
import { ManualClock } from "../support/manual_clock.ts";
import { messageWith } from "../support/message.ts";
import { openSocket } from "../support/old_client.ts";
import { openRaw, postHead } from "../support/raw_client.ts";
import { publish, startDevRelay } from "../support/rig.ts";
import { startOtlpReceiver } from "../support/otlp_receiver.ts";
import { startProgram } from "../support/program.ts";
import { test, type TestContext } from "../support/test.ts";
import { certPath } from "../support/tls_front.ts";
import { turnsUntil } from "../support/turns_until.ts";

type Seen = Map<string, boolean>;

function noteMetrics(seen: Seen, text: string): void {
  for (const [, name = ""] of text.matchAll(/^# TYPE (\S+)/gm)) {
    seen.set(name, seen.get(name) ?? false);
  }
  for (const [, name = "", value] of text.matchAll(/^(\w+)(?:\{[^}]*\})? (\S+)$/gm)) {
    const metric = seen.has(name) ? name : name.replace(/_(bucket|sum|count)$/, "");
    if (Number(value) > 0) seen.set(metric, true);
  }
}

/** What only the program sees: its certificate renewed, a collector that takes no spans, a systemd that is not there. */
async function driveProgram(t: TestContext, folder: string, seen: Seen): Promise<string[]> {
  const cert = join(folder, "cert.pem");
  const key = join(folder, "key.pem");
  const use = (name: string) => copyFileSync(certPath(name), cert);
  use("server");
  copyFileSync(certPath("server_key"), key);
  const relay = startProgram(t, [
    ...["relay", "--listen", "127.0.0.1:0", "--data", join(folder, "data")],
    ...["--tls-cert", cert, "--tls-key", key, "--log-level", "debug", "--log-format", "json"],
  ], {
    OTEL_EXPORTER_OTLP_ENDPOINT: (await startOtlpReceiver(t, { status: 400 })).url,
    OTEL_BSP_SCHEDULE_DELAY: "10",
    NOTIFY_SOCKET: "/nonexistent/notify",
  });
  await relay.line(/relay\.service_manager_failed/);
  const url = (await relay.line(/^post to/)).split(/\s+/)[2] ?? "";
  const ask = (method: string, url: string) =>
    new Promise<string>((resolve, reject) => {
      const request = https.request(url, { method, rejectUnauthorized: false }, (response) => {
        let text = "";
        response.on("data", (chunk) => text += chunk).on("end", () => resolve(text));
      });
      request.on("error", reject).end();
    });
  await ask("POST", url);
  await relay.line(/relay\.trace_export_failed/);
  use("client"); // not the key's
  process.kill(relay.pid, "SIGHUP");
  await relay.line(/relay\.tls_not_renewed/);
  copyFileSync(certPath("client_key"), key);
  process.kill(relay.pid, "SIGHUP");
  await relay.line(/relay\.tls_renewed/);
  noteMetrics(seen, await ask("GET", new URL("/metrics", url).href));
  relay.terminate();
  assert.equal(await relay.ended, 0);
  return relay.stderr.map((line) => (JSON.parse(line) as { event: string }).event);
}

test("the figures are for this machine and for the admin token; behind a proxy or under another name they are not there", async (t) => {
  const relay = await startDevRelay(t, {}, { adminToken: "adm1n" });
  const { host } = new URL(relay.url);
  const status = async (head: string) => {
    const client = await openRaw(t, relay.url, `GET /metrics HTTP/1.1\r\n${head}\r\n\r\n`);
    return /^HTTP\/1\.1 (\d+)/.exec(await client.answered(/\r\n\r\n/))?.[1];
  };
  const forwarded = `Host: ${host}\r\nX-Forwarded-For: 192.0.2.1`;
  assert.equal(await status(`Host: ${host}`), "200");
  assert.equal(await status(forwarded), "403");
  assert.equal(await status("Host: relay.example"), "403");
  assert.equal(await status(`${forwarded}\r\nAuthorization: Bearer adm1n`), "200");
});

test("a relay that is told of a proxy shows figures and page to the admin token alone: a proxy may say nothing of itself", async (t) => {
  const folder = t.folder();
  for (const flags of [["--public-url", "https://relay.example"], ["--trusted-proxies", "::1"]]) {
    const relay = startProgram(
      t,
      ["relay", "--listen", "127.0.0.1:0", "--data", join(folder, flags[0] ?? ""), ...flags],
      { WEBHOOK_CONNECT_ADMIN_TOKEN: "adm1n" },
    );
    const url = (await relay.line(/^listening/)).split(/\s+/)[1] ?? "";
    const status = async (path: string, headers = {}) => {
      const response = await fetch(url + path, { headers });
      await response.body?.cancel();
      return response.status;
    };
    assert.deepEqual([await status("/metrics"), await status("/"), await status("/live")], [
      403,
      404,
      404,
    ]);
    assert.equal(await status("/metrics", { Authorization: "Bearer adm1n" }), 200);
    relay.terminate();
    await relay.ended;
  }
});

test("dead letters that had to make room are told with what expired, and at the latest at a stop", async (t) => {
  const clock = new ManualClock(Date.now());
  const told: RelayEvent[] = [];
  const relay = await startDevRelay(t, { ttlMs: 30_000 }, {
    clock,
    heartbeatMs: 1e9,
    observe: (event) => {
      if (["relay.expired", "relay.dead_letters_dropped"].includes(event.type)) told.push(event);
    },
  });
  const channel = relay.registry.named("dev")?.channel;
  for (let n = 0; n < 1_010; n++) await channel?.publish(messageWith({ id: `${n}` }));
  await clock.advance(30_000);
  assert.deepEqual(told.splice(0), [
    { type: "relay.expired", channel: "dev", messages: 1_010 },
    { type: "relay.dead_letters_dropped", channel: "dev", count: 10 },
  ]);
  const { frame, say } = openSocket(t, relay);
  const id = await publish(relay, "1");
  await frame(1);
  say({ type: "nack", message_id: id, retry: false });
  await turnsUntil(() => channel?.stats.deadLettered === 1);
  await relay.stop(100);
  assert.deepEqual(told, [{ type: "relay.dead_letters_dropped", channel: "dev", count: 1 }]);
});

test("every metric and every event of the relay is driven by something that really happens", async (t) => {
  const folder = t.folder();
  const clock = new ManualClock(Date.now());
  const events = new Set<string>();
  const stores = sqliteStores({ folder, durability: "full" });
  const left = channelConfig({ name: "left", token: "t", webhookIds: ["left"] }); // at the next start
  const before = await startDevRelay(t, { webhookIds: [] }, {
    ...{ stores, clock, adminToken: "adm1n" },
    channels: [left],
  });
  const made = await fetch(`${before.url}/admin/webhook-connect/channels`, {
    method: "POST",
    headers: { Authorization: "Bearer adm1n" },
    body: JSON.stringify({ channel: "made", webhook_ids: ["hook"] }), // dev's from the next start on
  });
  await made.body?.cancel();
  const posted = await fetch(`${before.url}/webhook/left`, { method: "POST" });
  await posted.body?.cancel();
  await before.stop(100);
  let isFaulty = true;
  const relay = await startDevRelay(t, { ttlMs: 60_000, ackTimeoutMs: 20_000, maxDeliveries: 3 }, {
    stores,
    clock,
    observe: ({ type }) => events.add(type),
    build: { version: "1", runtime: "test" },
    sample: () => {
      if (isFaulty) throw new Error("a fault");
      return false;
    },
  });
  const seen: Seen = new Map();
  const scrape = async () => {
    const response = await fetch(`${relay.url}/metrics`);
    noteMetrics(seen, await response.text());
  };
  const nope = await fetch(`${relay.url}/webhook/nope`, { method: "POST" });
  await nope.body?.cancel();
  const fault = await fetch(`${relay.url}/webhook/hook`, { method: "POST" });
  await fault.body?.cancel();
  isFaulty = false;
  const channel = relay.registry.named("dev")?.channel;
  const expiring = Array.from({ length: 1_001 }, (_, n) => messageWith({ id: `old-${n}` }));
  await Promise.all(expiring.map((one) => channel?.publish(one)));
  await clock.advance(60_000);
  await publish(relay, "1");
  await clock.advance(1_000);
  const slow = await openRaw(t, relay.url, postHead(100) + "half of a body");
  await turnsUntil(() => relay.incomingBytes > 0);
  await scrape(); // waiting, with an age; a body under way
  slow.destroy();
  const { frame, say, socket } = await openSocket(t, relay);
  const first = (await frame(1))["message_id"];
  await scrape(); // in flight, connected
  say({ type: "tea" });
  say({ type: "extend", message_ids: [first] });
  const nack = async (id: unknown, waitMs: number) => {
    say({ type: "nack", message_id: id });
    await turnsUntil(() => channel?.stats.inFlight === 0);
    await clock.advance(waitMs);
  };
  await nack(first, 1_000);
  await frame(2);
  await clock.advance(20_000); // the lease expires, and it comes for the third time
  await frame(3);
  say({ type: "nack", message_id: first, retry: false });
  const second = await publish(relay, "2");
  await frame(4);
  await nack(second, 1_000);
  await frame(5);
  await nack(second, 2_000);
  await frame(6);
  // Not settled for the third time it would be put away, but the database is held by another program.
  const other = new DatabaseSync(join(folder, "relay.db"));
  other.exec("BEGIN IMMEDIATE");
  await clock.advance(20_000);
  other.exec("ROLLBACK");
  other.close();
  await clock.advance(1_000);
  await frame(7);
  say({ type: "ack", message_id: second });
  await publish(relay, "3");
  await frame(8);
  await scrape();
  socket.close();
  await turnsUntil(() => events.has("relay.disconnected"));
  for (const type of await driveProgram(t, folder, seen)) events.add(type);
  const source = new URL("../../src/relay/relay_events.ts", import.meta.url);
  const declared = [...readFileSync(source, "utf8").matchAll(/readonly type: "([^"]+)"/g)];
  // The log has to be left unread for it: tests/e2e/log.test.ts.
  events.add("relay.log_lines_lost");
  const silent = declared.flatMap(([, name = ""]) => events.has(name) ? [] : [name]);
  assert.deepEqual(silent, [], "every event is driven, too");
  assert.deepEqual([...seen].filter(([, driven]) => !driven).map(([name]) => name), []);
  assert.ok(seen.size >= 18, `only ${seen.size}`);
});
