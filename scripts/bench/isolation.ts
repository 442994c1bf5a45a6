/**
 * What a failing target costs another one: webhooks for two targets through one connector, and the time from the
 * sender's 202 to the healthy target's answer, with the other target well, refusing connections, answering 503, and
 * silent. Rounds are interleaved; the bound is 1.5 times the p99 of the round with both well. The first half of a
 * round is the onset, in which the fault is found; the bound holds for the second half.
 *
 *   deno task bench isolation
 *   bun scripts/bench/isolation.ts
 */
import http from "node:http";
import type { AddressInfo } from "node:net";
import process from "node:process";
import { systemClock } from "../../src/async/clock.ts";
import { loadSettings } from "../../src/config/load.ts";
import { createConnector } from "../../src/connector.ts";
import { openJournal } from "../../src/journal/open_journal.ts";
import { startRelay } from "../../src/relay/relay.ts";
import { channelConfig } from "../../src/relay/webhooks_file.ts";
import { report } from "./tools/report.ts";
import { ownRuntime } from "./tools/runtimes.ts";
import { quantile } from "./tools/statistics.ts";

type Mode = "well" | "refusing" | "503" | "silent";
const modes: readonly Mode[] = ["well", "refusing", "503", "silent"];
const rounds = 5;
/** For each target, this many a round, evenly over the time. */
const perRound = 400;
const everyMs = 3;
/** What the healthy target takes for a webhook. */
const serviceMs = 5;
const bound = 1.5;

interface Halves {
  readonly onset: readonly number[];
  readonly later: readonly number[];
}

async function startTarget(handler: http.RequestListener): Promise<{ url: string; stop(): void }> {
  const server = http.createServer(handler);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    stop() {
      server.closeAllConnections();
      server.close();
    },
  };
}

async function round(mode: Mode): Promise<Halves> {
  const arrivals = new Map<string, number>();
  let done = () => {};
  const all = new Promise<void>((resolve) => done = resolve);
  const healthy = await startTarget((request, response) => {
    const id = String(request.headers["x-webhook-message-id"]);
    request.resume();
    setTimeout(() => {
      response.end();
      arrivals.set(id, performance.now());
      if (arrivals.size === perRound) done();
    }, serviceMs);
  });
  const other = await startTarget((request, response) => {
    request.resume().on("end", () => {
      if (mode === "silent") return;
      response.statusCode = mode === "503" ? 503 : 200;
      response.end();
    });
  });
  const relay = await startRelay({
    hostname: "127.0.0.1",
    port: 0,
    clock: systemClock,
    observe: () => {},
    heartbeatMs: 30_000,
    channels: [channelConfig({ name: "dev", token: "t", webhookIds: ["healthy", "other"] })],
  });
  const content = {
    cloud_url: relay.url,
    channel: "dev",
    token: "t",
    protocol: "websocket",
    targets: {
      healthy: { url: healthy.url },
      other: {
        url: mode === "refusing" ? "http://127.0.0.1:1/" : other.url,
        timeout_seconds: 1,
        max_concurrent_requests: 5,
      },
    },
  };
  const { settings } = loadSettings({ file: { path: "bench", content }, env: {}, flags: {} });
  const journal = openJournal({
    folder: undefined,
    limits: settings.deadLetters,
    clock: systemClock,
    onDropped: () => {},
  });
  const stop = new AbortController();
  const connector = createConnector(settings, {
    journal,
    clock: systemClock,
    random: Math.random,
    observe: () => {},
  });
  const ended = connector.run({ drain: stop.signal, abort: stop.signal });
  const sent = new Map<string, number>();
  const post = async (webhookId: string, isMeasured: boolean) => {
    const response = await fetch(`${relay.url}/webhook/${webhookId}`, {
      method: "POST",
      body: "x".repeat(1_024),
    });
    const at = performance.now();
    const { message_id } = await response.json() as { message_id: string };
    if (isMeasured) sent.set(message_id, at);
  };
  for (let i = 0; i < perRound; i++) {
    await Promise.all([post("healthy", true), post("other", false)]);
    await new Promise((resolve) => setTimeout(resolve, everyMs));
  }
  await all;
  stop.abort();
  await ended;
  journal.close();
  await relay.stop(100);
  healthy.stop();
  other.stop();
  const times = [...sent].map(([id, at]) => Math.max(0, (arrivals.get(id) ?? NaN) - at));
  return { onset: times.slice(0, perRound / 2), later: times.slice(perRound / 2) };
}

const times = new Map<Mode, Halves[]>(modes.map((mode) => [mode, []]));
await round("well"); // warms up
for (let i = 0; i < rounds; i++) {
  for (const mode of modes) times.get(mode)?.push(await round(mode));
  if (process.stderr.isTTY) process.stderr.write(`\rround ${i + 1}/${rounds}`);
}
const median = (mode: Mode, half: keyof Halves, share: number) =>
  quantile((times.get(mode) ?? []).map((one) => quantile(one[half], share)), 0.5);
const base = median("well", "later", 0.99);
let isWithin = true;
const rows = modes.map((mode) => {
  const ratio = median(mode, "later", 0.99) / base;
  if (ratio > bound) isWithin = false;
  return {
    "other target": mode,
    "p50 ms": median(mode, "later", 0.5).toFixed(2),
    "p99 ms": median(mode, "later", 0.99).toFixed(2),
    "p99 ratio": ratio.toFixed(2),
    "onset p99 ms": median(mode, "onset", 0.99).toFixed(2),
  };
});
report("isolation", ownRuntime, rows, rows);
console.log(`${isWithin ? "holds" : "BROKEN"}: at most ${bound} times`);
process.exitCode = isWithin ? 0 : 1;
