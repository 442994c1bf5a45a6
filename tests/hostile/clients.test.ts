/** Strangers at the relay and at the status server: slow, oversized, malformed, or very many. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { connect, type Socket } from "node:net";
import process from "node:process";
import { hashOf } from "../../src/relay/tokens.ts";
import { ManualClock } from "../support/manual_clock.ts";
import { type Program, startProgram } from "../support/program.ts";
import { openRaw, postHead } from "../support/raw_client.ts";
import { publish, settings, startDevRelay, startTarget } from "../support/rig.ts";
import { skip, test, type TestContext } from "../support/test.ts";
import { turnsUntil } from "../support/turns_until.ts";
import { startWatchedConnector } from "../support/watched_connector.ts";

test("a body that comes a byte at a time is refused with 408 when its time is over, and counted", async (t) => {
  const clock = new ManualClock(Date.now());
  const relay = await startDevRelay(t, {}, { clock });
  const slow = await openRaw(t, relay.url, postHead(1_000) + "x");
  await turnsUntil(() => relay.incomingBytes === 1);
  await clock.advance(30_000);
  slow.write("x");
  await turnsUntil(() => relay.incomingBytes === 2);
  await clock.advance(30_000);
  assert.match(await slow.answered(/\}$/), /^HTTP\/1.1 408 [\s\S]*did not come in time/);
  assert.equal(relay.incomingBytes, 0);
  const metrics = await (await fetch(`${relay.url}/metrics`)).text();
  assert.match(metrics, /hookferry_relay_rejected_total\{reason="too_slow"\} 1/);
  assert.match(await publish(relay, "x"), /^msg_/);
});

test("bodies under way hold no more than the relay allows; the next is refused with 503 and Retry-After", async (t) => {
  const relay = await startDevRelay(t, {}, { maxIncomingBytes: 200_000 });
  const half = "x".repeat(20_000);
  const slow = [];
  for (let i = 1; i <= 5; i++) {
    slow.push(await openRaw(t, relay.url, postHead(1_000_000) + half));
    await turnsUntil(() => relay.incomingBytes >= i * half.length);
  }
  const over = await openRaw(t, relay.url, postHead(1_000_000) + "x".repeat(200_000));
  const answer = await over.answered(/\}$/);
  assert.match(answer, /^HTTP\/1.1 503 /);
  assert.match(answer, /^retry-after: 5\r$/im);
  const held = relay.incomingBytes;
  slow[0]?.destroy();
  await turnsUntil(() => relay.incomingBytes < held);
  assert.match(await publish(relay, "x"), /^msg_/);
});

test("a body in chunks of one byte takes no more memory than is counted", async (t) => {
  const relay = await startDevRelay(t);
  const chunks = 20_000;
  const before = process.memoryUsage().external;
  await openRaw(t, relay.url, chunkedHead("/webhook/hook") + "1\r\nx\r\n".repeat(chunks));
  await turnsUntil(() => relay.incomingBytes >= chunks);
  const took = process.memoryUsage().external - before;
  assert.ok(took < maxChunkedBytes, `${took} bytes are taken`);
  assert.ok(relay.incomingBytes <= 2 * chunks, `${relay.incomingBytes} bytes are counted`);
});

for (const path of ["/connect/acks", "/connect/extend"]) {
  test(`a connector's ${path} without an end is refused with 413`, async (t) => {
    const relay = await startDevRelay(t);
    const chunk = `100000\r\n${"x".repeat(0x100000)}\r\n`;
    const client = await openRaw(
      t,
      relay.url,
      chunkedHead(path) + chunk.repeat(17),
    );
    assert.match(await client.answered(/\}$/), /^HTTP\/1.1 413 /);
    assert.equal(relay.incomingBytes, 0);
  });
}

test("a token of a hundred thousand characters is not read: the sign-in answers 413", async (t) => {
  const target = await startTarget(t);
  const relay = await startDevRelay(t);
  const { url } = await startWatchedConnector(t, settings(relay.url, target.url, "websocket"), {
    token: "t0ken",
  });
  const response = await fetch(`${url}/-/session`, {
    method: "POST",
    body: `token=${"x".repeat(100_000)}`,
    headers: {
      "Content-Type": "application/x-www-form-urlencoded",
      "Sec-Fetch-Site": "same-origin",
    },
  });
  await response.body?.cancel();
  assert.equal(response.status, 413);
});

test("what an administrator posts is bounded: 413", async (t) => {
  const relay = await startDevRelay(t, {}, { adminToken: "adm1n" });
  const response = await fetch(`${relay.url}/admin/webhook-connect/channels`, {
    method: "POST",
    body: "x".repeat(2_000_000),
    headers: { Authorization: "Bearer adm1n" },
  });
  await response.body?.cancel();
  assert.equal(response.status, 413);
});

test("HEAD of a stream makes no connection: nobody would read what is given to it", async (t) => {
  const relay = await startDevRelay(t, { smeePathHash: hashOf("readable") });
  await publish(relay, "x");
  const head = async (path: string, headers: Record<string, string> = {}) => {
    const response = await fetch(`${relay.url}${path}`, {
      method: "HEAD",
      headers: { Authorization: "Bearer s3cret", ...headers },
    });
    await response.body?.cancel();
    return response.status;
  };
  assert.equal(await head("/connect/stream/dev/sse"), 200);
  assert.equal(await head("/connect/stream/dev/sse", { Authorization: "Bearer wrong" }), 401);
  assert.equal(await head("/connect/stream/dev/poll"), 200);
  assert.equal(await head("/smee/readable", { Accept: "text/event-stream" }), 200);
  const { stats, subscribers } = relay.registry.named("dev")?.channel ?? {};
  assert.deepEqual([stats?.inFlight, subscribers?.length], [0, 0]);
});

const malformed: Record<string, string> = {
  "no HTTP": "SSH-2.0-OpenSSH_9.2\r\n\r\n",
  "a head of a megabyte": `GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX-A: ${
    "a".repeat(1_000_000)
  }\r\n\r\n`,
  "a hundred thousand headers": `GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n${
    "X-A: a\r\n".repeat(100_000)
  }\r\n`,
  "a target of a megabyte": `GET /${"a".repeat(1_000_000)} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n`,
  "a NUL in the head": "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX-A: a\0b\r\n\r\n",
  "two lengths":
    "POST /webhook/hook HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxx",
  "a negative length": "POST /webhook/hook HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
  "chunks that are none":
    "POST /webhook/hook HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nx\r\n0\r\n\r\n",
  "a path out of the tree":
    "GET /../../../../etc/passwd HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n",
  "an escape that is none":
    "POST /webhook/%zz HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
  "an upgrade that is none":
    "GET /connect/stream/dev HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n" +
    "Connection: Upgrade, close\r\nAuthorization: Bearer s3cret\r\n\r\n",
};

for (const [name, bytes] of Object.entries(malformed)) {
  test(`${name}: refused or cut, by relay and status server, and both go on`, async (t) => {
    const target = await startTarget(t);
    const relay = await startDevRelay(t);
    const { url } = await startWatchedConnector(t, settings(relay.url, target.url, "sse"));
    for (const server of [relay.url, url]) {
      const client = await openRaw(t, server, bytes);
      const answer = await client.answered(/\r\n\r\n/);
      assert.match(answer, /^(HTTP\/1.1 4\d\d |$)/, answer.slice(0, 200));
      assert.doesNotMatch(answer, /root:|at .*\.ts|node_modules/);
      const health = await fetch(`${server}/healthz`);
      await health.body?.cancel();
      assert.equal(health.status, 200);
    }
    await publish(relay, "x");
    await target.arrived(1);
  });
}

for (const path of ["/webhook/default", "/-/session"]) {
  test(`a relay that is stopped while a body for ${path} is half there ends as it should`, async (t) => {
    const env = { WEBHOOK_CONNECT_ADMIN_TOKEN: "adm1n" };
    const relay = startProgram(
      t,
      ["relay", "--listen", "127.0.0.1:0", "--log-format", "json"],
      env,
    );
    const url = new URL((await relay.line(/^post to/)).split(/\s+/)[2] ?? "");
    const head = postHead(1_000).replace("/webhook/hook", path)
      .replace("Host: 127.0.0.1", `Host: ${url.host}\r\nOrigin: ${url.origin}`);
    await openRaw(t, url.origin, `${head}token=`);
    await assertAnswers(url.origin);
    relay.terminate();
    assert.equal(await relay.ended, 0, relay.stderr.join("\n"));
    assert.doesNotMatch(relay.stderr.join("\n"), /Uncaught|BadResource/);
  });
}

/** With what is not yet collected. Were each chunk kept as it is read, 20,000 would take 1.3 GB on Deno. */
const maxChunkedBytes = 400_000_000;

/** The head of what a connector posts, whose body comes in chunks. */
function chunkedHead(path: string): string {
  return `POST ${path} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer s3cret\r\nX-Connection-ID: c\r\n` +
    "X-Connector-ID: c\r\nTransfer-Encoding: chunked\r\n\r\n";
}

const connections = 10_000;
/** For each of them, sockets and buffers of the runtime included. */
const maxBytesEach = 40_000;

/** Files a process may open here. */
function openFiles(): number {
  const limit = execFileSync("sh", ["-c", "ulimit -n"]).toString().trim();
  return limit === "unlimited" ? Infinity : Number(limit);
}

const hold = openFiles() >= connections + 500
  ? test
  : (name: string, _: unknown) => skip(name, "this process may not open so many files");

hold(
  `${connections} connections with half a request each at relay and status server: both answer, memory is bounded`,
  async (t) => {
    const target = await startTarget(t);
    const env = { CONNECTOR_TOKEN: "ch_tok_s3cret" };
    const relay = startProgram(t, ["relay", "--listen", "127.0.0.1:0"], env);
    const ingest = (await relay.line(/^post to/)).split(/\s+/)[2] ?? "";
    const relayUrl = new URL(ingest).origin;
    const line = (await relay.line(/hookferry\+http/)).match(/hookferry\+\S+?(?='|$)/)?.[0] ?? "";
    const connector = startProgram(
      t,
      [
        "connect",
        "--from",
        "-",
        "--to",
        target.url.href,
        "--status-listen",
        "127.0.0.1:0",
        "--log-format",
        "json",
      ],
      {},
      line,
    );
    const listening = JSON.parse(await connector.line(/status\.listening/)) as { url: string };
    await connector.line(/stream\.connected/);
    let sent = 0;
    for (const [program, url] of [[relay, relayUrl], [connector, listening.url]] as const) {
      await assertAnswers(url);
      const before = residentBytes(program);
      const sockets = await holdOpen(t, url);
      await assertAnswers(url);
      const response = await fetch(ingest, { method: "POST", body: "x" });
      await response.body?.cancel();
      await target.arrived(++sent);
      const each = (residentBytes(program) - before) / connections;
      console.log(
        `${new URL(url).port}: ${connections} connections, ${Math.round(each)} bytes each`,
      );
      assert.ok(each < maxBytesEach, `${each} bytes each`);
      for (const socket of sockets) socket.destroy();
      await assertAnswers(url);
    }
  },
);

async function assertAnswers(url: string): Promise<void> {
  const response = await fetch(new URL("/healthz", url));
  await response.body?.cancel();
  assert.equal(response.status, 200);
}

async function holdOpen(t: TestContext, url: string): Promise<readonly Socket[]> {
  const { hostname: host, port } = new URL(url);
  const sockets: Socket[] = [];
  t.defer(() => sockets.forEach((socket) => socket.destroy()));
  const one = () =>
    new Promise<void>((resolve, reject) => {
      const socket = connect({ host, port: Number(port) });
      sockets.push(socket);
      socket.once("error", reject);
      socket.once("connect", () => {
        socket.on("error", () => {});
        socket.write("GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: ", () => resolve());
      });
    });
  while (sockets.length < connections) await Promise.all(Array.from({ length: 100 }, one));
  return sockets;
}

function residentBytes({ pid }: Program): number {
  // By a program: Deno reads of /proc only with every permission.
  const status = execFileSync("cat", [`/proc/${pid}/status`], { encoding: "utf8" });
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1]) * 1024;
}
