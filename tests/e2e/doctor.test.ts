/** hookferry doctor, as a process against real relays, and its steps against real servers. */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import http from "node:http";
import { join } from "node:path";
import { checkDisk } from "../../src/cli/doctor/disk_check.ts";
import { checkListen } from "../../src/cli/doctor/listen_check.ts";
import type { Finding } from "../../src/cli/doctor/finding.ts";
import { checkRelay } from "../../src/cli/doctor/relay_checks.ts";
import { checkWay, type Way } from "../../src/cli/doctor/way_checks.ts";
import type { Clock } from "../../src/async/clock.ts";
import { systemClock } from "../../src/async/clock.ts";
import { startConnectProxy } from "../support/connect_proxy.ts";
import { startHttpServer } from "../support/http_server.ts";
import { startProgram } from "../support/program.ts";
import { publish, settings, startDevRelay, startTarget } from "../support/rig.ts";
import { test, type TestContext } from "../support/test.ts";
import { certPath, startTlsFront } from "../support/tls_front.ts";
import { readTls, tlsKeys } from "../../src/config/tls_settings.ts";

const timeoutMs = 10_000;

async function doctor(t: TestContext, content: unknown, env: Record<string, string> = {}) {
  const file = join(t.folder(), "connector.json");
  writeFileSync(file, JSON.stringify(content), { mode: 0o600 });
  const program = startProgram(t, ["doctor", "--json", "--config", file], env);
  const code = await program.ended;
  const said = JSON.parse(program.stdout.join("\n")) as { ok: boolean; findings: Finding[] };
  const byName = new Map(said.findings.map((finding) => [finding.check, finding]));
  return { code, ok: said.ok, ...{ findings: said.findings, byName, stderr: program.stderr } };
}

test("doctor finds all well with a relay, a target and a Unix socket, and takes no message", async (t) => {
  const target = await startTarget(t);
  const relay = await startDevRelay(t, {}, { build: { version: "1.2.3", runtime: "test" } });
  const socket = join(t.folder(), "app.sock");
  const app = http.createServer();
  await new Promise<void>((resolve) => app.listen(socket, resolve));
  t.defer(() => new Promise((resolve) => app.close(resolve)));
  await publish(relay, "waits");
  const { code, ok, findings, byName } = await doctor(t, {
    ...{ cloud_url: relay.url, channel: "dev", token: "s3cret" },
    journal: `sqlite:${t.folder()}`,
    status_listen: "127.0.0.1:0",
    default_target: { url: target.url.href },
    targets: { local: { url: `unix:${socket}:/hooks` } },
  });
  assert.equal(ok, true, JSON.stringify(findings, undefined, 1));
  assert.equal(code, 0);
  assert.deepEqual(findings.filter(({ status }) => status !== "ok"), []);
  assert.equal(byName.get("relay.proxy")?.detail, "direct: on this machine");
  assert.match(byName.get("relay.version")?.detail ?? "", /^hookferry relay 1\.2\.3$/);
  assert.match(byName.get("clock")?.detail ?? "", /^within \d s of the relay's$/);
  assert.equal(byName.get("token")?.detail, 'good for the channel "dev"');
  for (const name of ["websocket", "sse", "long_poll"]) {
    assert.match(byName.get(`transport.${name}`)?.detail ?? "", /^opens/);
  }
  assert.ok(byName.has("target.default.tcp"));
  assert.equal(byName.get("status_listen")?.detail, "127.0.0.1:0 can be had");
  assert.equal(byName.get("target.local.socket")?.detail, `${socket} takes connections`);
  assert.deepEqual(target.got, []);
  const stats = relay.registry.named("dev")?.channel.stats;
  assert.deepEqual([stats?.queued, stats?.inFlight, stats?.deadLettered], [1, 0, 0]);
});

test("doctor tells a wrong token, a target that is not there and a relay that cannot be found, with their fixes", async (t) => {
  const relay = await startDevRelay(t);
  const wrong = await doctor(t, {
    ...{ cloud_url: relay.url, channel: "dev", token: "marked-secret", journal: "memory" },
    default_target: { url: "http://127.0.0.1:1/" },
  });
  assert.equal(wrong.code, 1);
  assert.match(wrong.byName.get("token")?.detail ?? "", /answered 401/);
  assert.match(wrong.byName.get("token")?.fix ?? "", /correct token and channel/);
  assert.equal(wrong.byName.get("target.default.tcp")?.detail, "127.0.0.1:1: connection refused");
  assert.match(wrong.byName.get("target.default.tcp")?.fix ?? "", /start what is to listen there/);
  assert.equal(wrong.byName.get("disk")?.status, "warn");
  assert.doesNotMatch(JSON.stringify(wrong.findings), /marked-secret/);

  const lost = await doctor(t, {
    ...{
      cloud_url: "https://no-such-relay.invalid",
      channel: "dev",
      token: "x",
      journal: "memory",
    },
    default_target: { url: "http://127.0.0.1:1/" },
  });
  assert.equal(lost.code, 1);
  assert.equal(lost.byName.get("relay.dns")?.detail, "no-such-relay.invalid: host name not found");
  assert.equal(lost.byName.has("relay.tcp"), false);
});

test("doctor --json is JSON also of a file that cannot be read, or is not there", async (t) => {
  const file = join(t.folder(), "connector.json");
  for (const detail of [/there is no such file/, /cannot read the file .*line 1, column 2/]) {
    const program = startProgram(t, ["doctor", "--json", "--config", file]);
    assert.equal(await program.ended, 78);
    assert.deepEqual(program.stderr, []);
    const { ok, findings } = JSON.parse(program.stdout.join("\n"));
    assert.deepEqual([ok, findings.length, findings[0].check], [false, 1, "settings"]);
    assert.match(findings[0].detail, detail);
    writeFileSync(file, "{");
  }
});

test("doctor tells which proxy leads to the relay and why, without its password", async (t) => {
  const proxy = await startConnectProxy(t, { user: "u:marked-secret" });
  const url = proxy.url.replace("//", "//u:marked-secret@");
  const { byName, findings } = await doctor(t, {
    ...{ cloud_url: "https://relay.test:1", channel: "dev", token: "x", journal: "memory" },
    default_target: { url: "http://127.0.0.1:1/" },
  }, { HTTPS_PROXY: url, DENO_NO_UPDATE_CHECK: "1" });
  assert.equal(byName.get("relay.proxy")?.detail, `${proxy.url}: HTTPS_PROXY is set`);
  assert.equal(byName.get("relay.tcp")?.status, "ok");
  assert.equal(byName.get("relay.tls")?.status, "fail");
  assert.deepEqual(proxy.asked, ["CONNECT relay.test:1"]);
  assert.doesNotMatch(JSON.stringify(findings), /marked-secret/);
});

test("doctor tells that it was the proxy that refused, whatever it refused", async (t) => {
  const proxy = await startConnectProxy(t, { user: "u:p", refuse: () => 403 });
  const relay = { channel: "dev", token: "x", journal: "memory", allow_insecure: true };
  const target = { default_target: { url: "http://127.0.0.1:1/" } };
  const [closed, open] = ["http://127.0.0.1:1", proxy.url];
  const user = (url: string) => url.replace("//", "//u:p@");
  for (
    const [cloud_url, set, check, says] of [
      ["http://relay.test:1", closed, "relay.tcp", `the proxy ${closed}: connection refused`],
      ["http://relay.test:1", open, "relay.version", `the proxy ${open}: it answered 407`],
      ["https://relay.test:1", user(open), "relay.tls", `the proxy ${open}: it answered 403`],
      ["https://relay.test:1", open, "relay.tls", `the proxy ${open}: it answered 407`],
      [
        "https://relay.test:1",
        "http://no-proxy.invalid:1",
        "relay.dns",
        "the proxy http://no-proxy.invalid:1: host name not found",
      ],
    ] as const
  ) {
    const { byName } = await doctor(t, { ...relay, ...target, cloud_url, proxy: set });
    const found = byName.get(check);
    assert.equal(found?.status, "fail", check);
    assert.ok(found.detail.startsWith(says), found.detail);
    assert.match(found.fix ?? "", /^start the proxy/);
  }
});

test("doctor tells all that is wrong with the settings, and ends with 78", async (t) => {
  const { code, ok, findings } = await doctor(t, { cloud_url: "ftp://x", channel: "../x" });
  assert.equal(code, 78);
  assert.equal(ok, false);
  assert.deepEqual(
    findings.map(({ detail }) => detail.split(":", 1)[0]),
    ["cloud_url", "channel", "token", "no target"],
  );
});

test("doctor tells that the port of status_listen is taken, and where a connector has it, which", async (t) => {
  const relay = await startDevRelay(t);
  const target = await startTarget(t);
  const ours = { cloud_url: relay.url, channel: "dev", token: "s3cret", journal: "memory" };
  const settings = { ...ours, default_target: { url: target.url.href } };
  const { url } = await startHttpServer(t, (_request, response) => void response.end("{}"));
  const taken = await doctor(t, { ...settings, status_listen: new URL(url).host });
  const found = taken.byName.get("status_listen");
  assert.equal(taken.code, 1);
  assert.equal(found?.status, "fail");
  assert.ok(found.detail.startsWith(`cannot listen on ${new URL(url).host}: `), found.detail);
  assert.equal(found.fix, "set status_listen to another port, or to off");

  const file = join(t.folder(), "running.json");
  const running = { ...settings, connector_id: "one", status_listen: "127.0.0.1:0" };
  writeFileSync(file, JSON.stringify({ ...running, log_format: "json" }), { mode: 0o600 });
  const connector = startProgram(t, ["connect", "--config", file]);
  const at = new URL(JSON.parse(await connector.line(/status\.listening/)).url).host;
  const { code, byName } = await doctor(t, { ...settings, status_listen: at });
  assert.equal(code, 0);
  const { status, detail = "" } = byName.get("status_listen") ?? {};
  assert.equal(status, "ok");
  assert.match(detail, /^a connector runs at .*: one, hookferry /);
  assert.ok(detail.includes(at), detail);
  const off = await doctor(t, { ...settings, status_listen: "off" });
  assert.equal(off.byName.has("status_listen"), false);
});

test("a port of status_listen that nobody asked for is a warning: the connector works without it", async (t) => {
  const { url } = await startHttpServer(t, (_request, response) => void response.end("<html>"));
  const port = Number(new URL(url).port);
  const { status, fix } = await checkListen({ hostname: "127.0.0.1", port }, { isDefault: true });
  assert.equal(status, "warn");
  assert.match(fix ?? "", /set status_listen/);
});

test("doctor looks at every connection of a file, each by its name", async (t) => {
  const relay = await startDevRelay(t);
  const target = await startTarget(t);
  const { code, byName } = await doctor(t, {
    ...{ channel: "dev", journal: "memory", default_target: { url: target.url.href } },
    connections: {
      east: { cloud_url: relay.url, token: "s3cret" },
      west: { cloud_url: "http://127.0.0.1:1", token: "s3cret" },
    },
  });
  assert.equal(code, 1);
  assert.equal(byName.get("east.transport.sse")?.status, "ok");
  assert.equal(byName.get("west.relay.tcp")?.status, "fail");
  assert.equal(byName.get("west.target.default.tcp")?.status, "ok");
});

test("doctor is readable without --json, and each failure has its fix below it", async (t) => {
  const program = startProgram(t, ["doctor", "--to", "1", "--no-inspect"], {
    CONNECTOR_CLOUD_URL: "http://127.0.0.1:1",
    CONNECTOR_CHANNEL: "dev",
    CONNECTOR_TOKEN: "x",
    CONNECTOR_JOURNAL: "memory",
  });
  assert.equal(await program.ended, 1);
  const text = program.stdout.join("\n");
  assert.match(text, /^ok {4}settings {17}valid$/m);
  assert.match(
    text,
    /^fail {2}relay\.tcp {16}127\.0\.0\.1:1: connection refused\n {31}-> start what/m,
  );
  assert.match(text, /\n2 failed$/);
});

function wayTo(url: URL, tls: Record<string, string | boolean> = {}): Way {
  const all = { verify: true, caPath: undefined, certPath: undefined, keyPath: undefined };
  const settings = readTls({ ...all, ...tls }, tlsKeys(""), (problem) => assert.fail(problem));
  return { name: "target.x", url, tls: settings, proxy: undefined, proxyReason: "none" };
}

async function findingsOf(way: Way, now = Date.now()): Promise<Map<string, Finding>> {
  const found = new Map<string, Finding>();
  await checkWay(way, { tell: (one) => void found.set(one.check, one), timeoutMs, now });
  return found;
}

test("the chain of a certificate is told, and when what is in it expires", async (t) => {
  const target = await startTarget(t);
  const url = await startTlsFront(t, target.url);
  const ca = { caPath: certPath("ca") };
  const well = (await findingsOf(wayTo(url, ca))).get("target.x.tls");
  assert.match(
    well?.detail ?? "",
    /^TLSv1\.3, hookferry test server until 2126-..-.. < hookferry test ca until 2126-..-..$/,
  );
  assert.equal(well?.status, "ok");
  const stranger = (await findingsOf(wayTo(url))).get("target.x.tls");
  assert.match(stranger?.detail ?? "", /not signed by a CA that is trusted/);
  assert.match(stranger?.fix ?? "", /ca_cert_path/);
  const named = wayTo(url, { ...ca, serverName: "other.test" });
  const byOtherName = (await findingsOf(named)).get("target.x.tls");
  assert.match(byOtherName?.detail ?? "", /^the certificate is for another host name/);
  const unverified = (await findingsOf(wayTo(url, { verify: false }))).get("target.x.tls");
  assert.equal(unverified?.status, "warn");
  assert.match(unverified?.detail ?? "", /^not verified, and would not be accepted/);

  const [, day = ""] = /until (2126-..-..)/.exec(well?.detail ?? "") ?? [];
  const soon = Date.parse(day) - 10 * 86_400_000;
  const client = { certPath: certPath("client"), keyPath: certPath("client_key") };
  const expiring = await findingsOf(wayTo(url, { ...ca, ...client }), soon);
  assert.match(expiring.get("target.x.tls")?.detail ?? "", /expires in (9|10) days$/);
  assert.match(
    expiring.get("target.x.client_cert")?.detail ?? "",
    /client.* expires in (9|10) days$/,
  );
  const late = await findingsOf(wayTo(url, ca), soon + 20 * 86_400_000);
  assert.match(late.get("target.x.tls")?.detail ?? "", /has expired$/);
  assert.equal(late.get("target.x.tls")?.status, "fail");
});

test("https to a port that speaks plain http is told as that, with what to set", async (t) => {
  const { url } = await startHttpServer(t, (_request, response) => void response.end());
  const found = (await findingsOf(wayTo(new URL(url.replace("http", "https"))))).get(
    "target.x.tls",
  );
  assert.equal(
    found?.detail,
    `${new URL(url).host}: the port speaks no TLS but, it seems, plain http`,
  );
  assert.equal(found?.fix, `use ${url}, or the port that speaks TLS`);
});

test("a relay at an address where none can be is told", async () => {
  const way = { ...wayTo(new URL("http://0.0.0.0:1/")), refusesForbidden: true };
  const found = (await findingsOf(way)).get("target.x.dns");
  assert.match(found?.detail ?? "", /^0\.0\.0\.0 is 0\.0\.0\.0: a link-local, metadata/);
});

test("a clock that differs from the relay's is told, with how far and in which direction", async (t) => {
  const relay = await startHttpServer(
    t,
    (_request, response) => void response.writeHead(401).end(),
  );
  const { source } = settings(relay.url, new URL("http://127.0.0.1:1/"), "auto");
  for (
    const [byMs, says] of [[90_000, /9\d s ahead of/], [-90_000, /(89|90|91) s behind/]] as const
  ) {
    const clock: Clock = { ...systemClock, now: () => systemClock.now() + byMs };
    const found: Finding[] = [];
    await checkRelay(source, { tell: (one) => void found.push(one), timeoutMs, clock });
    const skew = found.find(({ check }) => check === "clock");
    assert.equal(skew?.status, "warn");
    assert.match(skew?.detail ?? "", says);
  }
});

test("a server that answers every request alike is no relay over any transport", async (t) => {
  for (const [type, body] of [["text/html", "<html>hello</html>"], ["application/json", "{}"]]) {
    const { url } = await startHttpServer(t, (_request, response) => {
      response.setHeader("Content-Type", type ?? "");
      response.end(body);
    });
    const { source } = settings(url, new URL("http://127.0.0.1:1/"), "auto");
    const found: Finding[] = [];
    await checkRelay(source, {
      tell: (one) => void found.push(one),
      timeoutMs,
      clock: systemClock,
    });
    for (const name of ["websocket", "sse", "long_poll"]) {
      const one = found.find(({ check }) => check === `transport.${name}`);
      assert.equal(one?.status, "fail", name);
      assert.equal(one.fix, "correct cloud_url: what answers there is no relay", one.detail);
    }
  }
});

test("the disk is looked at where the journal is to be, also before it is there", (t) => {
  const folder = t.folder();
  const well = checkDisk(join(folder, "not", "yet"));
  assert.match(well.detail, /^\d+ MiB free for the journal in .*not\/yet$/);
  assert.equal(checkDisk(undefined).status, "warn");
  const file = join(folder, "file");
  writeFileSync(file, "");
  assert.match(checkDisk(join(file, "x")).detail, /file\/x" cannot be written$/);
});
