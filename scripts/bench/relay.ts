/**
 * What the relay takes in on this machine, by senders and durability; latency from the sender to the connector, cost per
 * message by depth of the queue, memory of idle connections. The relay is a process of its own, on a core of its own; what
 * measures it has the other.
 *
 *   deno task bench relay
 */
import { once } from "node:events";
import { mkdtempSync, rmSync, statSync } from "node:fs";
import http from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { WebSocket } from "ws";
import { noNats, startNats } from "../../tests/support/nats_server.ts";
import { systemClock } from "../../src/async/clock.ts";
import { laneRule } from "../../src/relay/lane.ts";
import { sqliteStores } from "../../src/relay/sqlite/sqlite_stores.ts";
import { farCore, holdOnCore } from "./tools/cores.ts";
import { type RelayProcess, startRelay, streamOf, webhookUrl } from "./tools/relay.ts";
import { report } from "./tools/report.ts";
import { ownRuntime } from "./tools/runtimes.ts";
import { post, send } from "./tools/senders.ts";
import { median, quantile } from "./tools/statistics.ts";

const body = "x".repeat(1_024);
/** As a sender writes them. */
const headers: readonly (readonly [string, string])[] = [
  ["host", "hooks.example.org"],
  ["user-agent", "GitHub-Hookshot/044aadd"],
  ["content-type", "application/json"],
  ["content-length", "1024"],
  ["x-github-event", "push"],
  ["x-github-delivery", "72d3162e-cc78-11e3-81ab-4c9367dc0958"],
  ["x-hub-signature-256", `sha256=${"0123456789abcdef".repeat(4)}`],
];
const rounds = 5;
const messagesPerRound = 4_000;

holdOnCore(farCore);
const folder = mkdtempSync(join(tmpdir(), "bench-"));
/** One NATS server with JetStream, beside all the rest on this machine. */
const cleanups: (() => unknown)[] = [];
const nats = noNats === undefined
  ? await startNats({ defer: (cleanup) => cleanups.push(cleanup) })
  : undefined;

const runtime = ownRuntime;
const start = (durability: string) => startRelay({ runtime, durability, nats: nats?.url, folder });

/** Requests a second. */
async function ingest(relay: RelayProcess, senders: number, messages: number): Promise<number> {
  return messages / await send(webhookUrl(relay), senders, messages);
}

function connect(relay: RelayProcess): WebSocket {
  const { url, headers } = streamOf(relay);
  return new WebSocket(url, { headers });
}

/** Milliseconds from the beginning of the post to the frame at the connector, one message at a time. */
async function latency(
  relay: RelayProcess,
  messages: number,
): Promise<{ p50: number; p99: number }> {
  const socket = connect(relay);
  const took: number[] = [];
  let arrived = () => {};
  socket.on("message", (data) => {
    const [line = ""] = String(data).split("\n", 1); // behind it is the body
    const frame = JSON.parse(line);
    if (frame.type !== "webhook") return arrived();
    socket.send(JSON.stringify({ type: "ack", message_id: frame.message_id }));
    arrived();
  });
  await new Promise<void>((resolve) => arrived = resolve);
  const agent = new http.Agent({ keepAlive: true });
  for (let i = 0; i < messages; i++) {
    const startedAt = performance.now();
    const delivered = new Promise<void>((resolve) => arrived = resolve);
    await Promise.all([post(webhookUrl(relay), agent), delivered]);
    took.push(performance.now() - startedAt);
  }
  agent.destroy();
  socket.terminate();
  return { p50: quantile(took, 0.5), p99: quantile(took, 0.99) };
}

/** Microseconds to hand out and acknowledge a message, and to store one, with so many waiting; bytes on disk of one. */
async function atDepth(depth: number): Promise<{ out: number; in: number; disk: number }> {
  const data = mkdtempSync(join(folder, "depth-"));
  const stores = await sqliteStores({
    folder: data,
    durability: "full",
  })(() => {}, systemClock);
  const store = await stores.open("c", {
    maxMessages: 1e9,
    maxBytes: 1e15,
    maxDeadLetters: 10,
    maxDeadLetterBytes: 1e9,
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
          headers,
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

const senders = [1, 8, 64];
const kinds = ["full", "normal", "memory", ...(nats ? ["jetstream"] : [])];
const rates = new Map<string, number[]>();
for (let round = 0; round < rounds; round++) {
  for (const durability of kinds) {
    const relay = await start(durability);
    await ingest(relay, 8, 500);
    for (const count of senders) {
      const key = `${durability} ${count}`;
      const rate = await ingest(relay, count, messagesPerRound);
      rates.set(key, [...rates.get(key) ?? [], rate]);
    }
    await relay.subject.stop("SIGTERM");
  }
}
report(
  "relay",
  `${runtime} ingest`,
  kinds.map((durability) => ({
    "1 KiB, durability": durability,
    ...Object.fromEntries(
      senders.map((n) => [
        `${n} senders /s`,
        median(rates.get(`${durability} ${n}`) ?? []).toFixed(0),
      ]),
    ),
  })),
  Object.fromEntries(rates),
);

const relay = await start("full");
const { p50, p99 } = await latency(relay, 2_000);
const waited = { "from the sender to the connector": "full, one at a time", p50, p99 };
report(
  "relay",
  `${runtime} latency`,
  [{ ...waited, p50: `${p50.toFixed(2)} ms`, p99: `${p99.toFixed(2)} ms` }],
  waited,
);

const before = relay.subject.residentMib;
const sockets: WebSocket[] = [];
const idle: Record<string, string>[] = [];
for (const count of [1_000, 10_000]) {
  const startedAt = performance.now();
  const opened = count - sockets.length;
  while (sockets.length < count) {
    const group = Array.from({ length: 200 }, () => connect(relay));
    await Promise.all(group.map((socket) => once(socket, "message")));
    sockets.push(...group);
  }
  const perSecond = opened / ((performance.now() - startedAt) / 1000);
  const mib = relay.subject.residentMib;
  idle.push({
    "idle connections": count.toLocaleString("en"),
    "MiB resident": mib.toFixed(0),
    "KiB each": ((mib - before) * 1024 / count).toFixed(0),
    "opened a second": perSecond.toFixed(0),
  });
}
for (const socket of sockets) socket.terminate();
await relay.subject.stop("SIGTERM");
report("relay", `${runtime} idle`, idle, idle);

const costs: Record<string, string>[] = [];
for (const depth of [1_000, 100_000, 1_000_000]) {
  const cost = await atDepth(depth);
  costs.push({
    "waiting, full": String(depth),
    "out and ack, µs in the store": cost.out.toFixed(0),
    "in, µs in the store": cost.in.toFixed(0),
    "disk bytes": cost.disk.toFixed(0),
  });
}
report("relay", `${runtime} depth`, costs, costs);
for (const cleanup of cleanups) await cleanup();
rmSync(folder, { recursive: true });
process.exit();
