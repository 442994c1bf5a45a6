/**
 * What the relay carries on this machine: ingest by senders and durability, latency from the sender to the
 * connector, cost per message by depth of the queue, memory of idle connections. The relay is a process of its
 * own; what measures it shares the machine with it.
 *
 *   deno task bench relay
 */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import http from "node:http";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { createInterface } from "node:readline";
import { WebSocket } from "ws";
import { noNats, startNats } from "../../tests/support/nats_server.ts";
import { laneRule } from "../../src/relay/lane.ts";
import { sqliteStores } from "../../src/relay/sqlite/sqlite_stores.ts";
import { median } from "./tools/statistics.ts";

const main = join(import.meta.dirname ?? ".", "..", "..", "main.ts");
const isDeno = "Deno" in globalThis;
const body = "x".repeat(1_024);
const rounds = 5;
const messagesPerRound = 4_000;

const folder = mkdtempSync(join(tmpdir(), "bench-"));
const webhooks = join(folder, "webhooks.json");
writeFileSync(
  webhooks,
  JSON.stringify({
    hook: {
      module: "webhook_connect",
      channel: "c",
      channel_token: "t0ken",
      max_queue_size: 1e9,
      max_queue_bytes: 1e9,
      max_connections: 10_000,
      max_in_flight: 1_000,
    },
  }),
);

/** One NATS server with JetStream, beside all the rest on this machine. */
const cleanups: (() => unknown)[] = [];
const nats = noNats === undefined
  ? await startNats({ defer: (cleanup) => cleanups.push(cleanup) })
  : undefined;

interface Running {
  readonly url: string;
  readonly child: ChildProcess;
}

async function startRelay(durability: string): Promise<Running> {
  const permissions = ["net", "env", "read", "write", "sys"].map((name) => `--allow-${name}`);
  const args = [
    ...(isDeno ? ["run", "--quiet", ...permissions] : []),
    ...[main, "relay", "--listen", "127.0.0.1:0", "--webhooks", webhooks],
    ...(nats && durability === "jetstream"
      ? ["--store", nats.url]
      : ["--durability", durability, "--data", mkdtempSync(join(folder, "data-"))]),
    ...["--log-level", "error"],
  ];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
  const lines = createInterface({ input: child.stdout });
  const [line] = await once(lines, "line") as [string];
  return { child, url: line.split(/\s+/)[1] ?? "" };
}

async function stop({ child }: Running): Promise<void> {
  process.kill(child.pid ?? 0, "SIGTERM");
  await once(child, "close");
}

function post(url: string, agent: http.Agent): Promise<void> {
  return new Promise((resolve, reject) => {
    const request = http.request(`${url}/webhook/hook`, { method: "POST", agent });
    request.on("error", reject);
    request.on("response", (response) => {
      response.resume().on("end", () => {
        if (response.statusCode === 202) resolve();
        else reject(new Error(`answered ${response.statusCode}`));
      });
    });
    request.end(body);
  });
}

/** Requests a second. */
async function ingest(url: string, senders: number, messages: number): Promise<number> {
  const agent = new http.Agent({ keepAlive: true, maxSockets: senders });
  let left = messages;
  const sender = async () => {
    while (left-- > 0) await post(url, agent);
  };
  const startedAt = performance.now();
  await Promise.all(Array.from({ length: senders }, sender));
  agent.destroy();
  return messages / ((performance.now() - startedAt) / 1000);
}

function connect(url: string): WebSocket {
  return new WebSocket(`${url.replace("http", "ws")}/connect/stream/c`, {
    headers: { "Authorization": "Bearer t0ken", "X-Connector-Capabilities": "exact-body" },
  });
}

/** Milliseconds from the beginning of the post to the frame at the connector, one message at a time. */
async function latency(url: string, messages: number): Promise<{ p50: number; p99: number }> {
  const socket = connect(url);
  const took: number[] = [];
  let arrived = () => {};
  socket.on("message", (data) => {
    const frame = JSON.parse(String(data));
    if (frame.type !== "webhook") return arrived();
    socket.send(JSON.stringify({ type: "ack", message_id: frame.message_id }));
    arrived();
  });
  await new Promise<void>((resolve) => arrived = resolve);
  const agent = new http.Agent({ keepAlive: true });
  for (let i = 0; i < messages; i++) {
    const startedAt = performance.now();
    const delivered = new Promise<void>((resolve) => arrived = resolve);
    await Promise.all([post(url, agent), delivered]);
    took.push(performance.now() - startedAt);
  }
  agent.destroy();
  socket.terminate();
  took.sort((a, b) => a - b);
  return {
    p50: took[Math.floor(took.length * 0.5)] ?? NaN,
    p99: took[Math.floor(took.length * 0.99)] ?? NaN,
  };
}

/** Microseconds to hand out and acknowledge a message, and to store one, with so many waiting; bytes on disk of one. */
async function atDepth(depth: number): Promise<{ out: number; in: number; disk: number }> {
  const data = mkdtempSync(join(folder, "depth-"));
  const stores = await sqliteStores({
    folder: data,
    durability: "full",
  })(() => {});
  const store = await stores.open("c", {
    maxMessages: 1e9,
    maxBytes: 1e15,
    maxDeadLetters: 10,
    ackTimeoutMs: 30_000,
    ttlMs: 3_600_000,
    lanes: laneRule({ kind: "none" }),
  });
  const bytes = new TextEncoder().encode(body);
  let id = 0;
  const append = (count: number) =>
    Promise.all(Array.from({ length: count }, () =>
      store.append(
        {
          id: `m${id++}`,
          webhookId: "hook",
          receivedAt: new Date().toISOString(),
          method: "POST",
          path: "",
          headers: [],
          body: bytes,
        },
        Date.now() + 86_400_000,
        Date.now(),
      )));
  for (let n = 0; n < depth; n += 1_000) await append(Math.min(1_000, depth - n));
  const groups = 20;
  const perGroup = 100;
  const outs: number[] = [];
  const ins: number[] = [];
  for (let group = 0; group < groups; group++) {
    let startedAt = performance.now();
    const ids: string[] = [];
    for (let i = 0; i < perGroup; i++) {
      const message = await store.take(Date.now());
      if (message) ids.push(message.envelope.id);
    }
    await Promise.all(ids.map((one) => store.ack(one)));
    outs.push((performance.now() - startedAt) * 1000 / perGroup);
    startedAt = performance.now();
    await append(perGroup);
    ins.push((performance.now() - startedAt) * 1000 / perGroup);
  }
  await stores.close();
  const disk = statSync(join(data, "relay.db")).size / depth;
  return { out: median(outs), in: median(ins), disk };
}

function residentMiB({ child }: Running): number {
  const status = spawnSync("cat", [`/proc/${child.pid}/status`], { encoding: "utf8" });
  return Number(/VmRSS:\s+(\d+) kB/.exec(status.stdout)?.[1]) / 1024;
}

const lines: string[] = [];
const print = (line = "") => {
  lines.push(line);
  console.log(line);
};
const runtime = isDeno ? "deno" : "bun";
print(`${runtime}, ${cpus().length} x ${cpus()[0]?.model}, ${rounds} interleaved rounds, medians`);
print();
print("ingest, 1 KiB, requests/s");
const senders = [1, 8, 64];
const kinds = ["full", "normal", "memory", ...(nats ? ["jetstream"] : [])];
const rates = new Map<string, number[]>();
for (let round = 0; round < rounds; round++) {
  for (const durability of kinds) {
    const relay = await startRelay(durability);
    await ingest(relay.url, 8, 500);
    for (const count of senders) {
      const key = `${durability} ${count}`;
      const rate = await ingest(relay.url, count, messagesPerRound);
      rates.set(key, [...rates.get(key) ?? [], rate]);
    }
    await stop(relay);
  }
}
print(`  ${"durability".padEnd(12)}${senders.map((n) => `${n} senders`.padStart(12)).join("")}`);
for (const durability of kinds) {
  const cells = senders.map((n) => median(rates.get(`${durability} ${n}`) ?? []).toFixed(0));
  print(`  ${durability.padEnd(12)}${cells.map((cell) => cell.padStart(12)).join("")}`);
}
print();
const relay = await startRelay("full");
const { p50, p99 } = await latency(relay.url, 2_000);
print(
  `from the sender to the connector, full, one at a time: p50 ${p50.toFixed(2)} ms, p99 ${
    p99.toFixed(2)
  } ms`,
);
const before = residentMiB(relay);
const sockets: WebSocket[] = [];
for (const count of [1_000, 10_000]) {
  const startedAt = performance.now();
  const opened = count - sockets.length;
  while (sockets.length < count) {
    const group = Array.from({ length: 200 }, () => connect(relay.url));
    await Promise.all(group.map((socket) => once(socket, "message")));
    sockets.push(...group);
  }
  const perSecond = opened / ((performance.now() - startedAt) / 1000);
  const after = residentMiB(relay);
  print(
    `${count.toLocaleString("en")} idle connections: ${after.toFixed(0)} MiB resident, ${
      ((after - before) * 1024 / count).toFixed(0)
    } KiB each; ${perSecond.toFixed(0)} opened a second`,
  );
}
for (const socket of sockets) socket.terminate();
await stop(relay);
print();
print("cost by depth, full, groups of 100, microseconds a message");
const columns = ["out and ack", "in", "disk bytes"];
print(`  ${"waiting".padEnd(12)}${columns.map((name) => name.padStart(12)).join("")}`);
for (const depth of [1_000, 100_000, 1_000_000]) {
  const cost = await atDepth(depth);
  const cells = [cost.out, cost.in, cost.disk].map((cell) => cell.toFixed(0).padStart(12));
  print(`  ${String(depth).padEnd(12)}${cells.join("")}`);
}
for (const cleanup of cleanups) await cleanup();
rmSync(folder, { recursive: true });
