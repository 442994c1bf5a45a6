/**
 * What looking costs: webhooks that wait at a relay, and the time until a connector has them all acknowledged, with
 * nothing looking, with log, metrics and status, and with traces too. Rounds are interleaved.
 *
 *   deno task bench observing
 *   bun scripts/bench/observing.ts
 */
import http from "node:http";
import type { AddressInfo } from "node:net";
import process from "node:process";
import { systemClock } from "../../src/async/clock.ts";
import { loadSettings } from "../../src/config/load.ts";
import { createConnector } from "../../src/connector.ts";
import { openJournal } from "../../src/journal/open_journal.ts";
import { eventLevel } from "../../src/observe/event_level.ts";
import type { Observe } from "../../src/observe/events.ts";
import { createLog } from "../../src/observe/log.ts";
import { foldMetrics } from "../../src/observe/metrics.ts";
import { foldSpans } from "../../src/observe/spans.ts";
import { foldStatus } from "../../src/observe/status.ts";
import { startTracing } from "../../src/observe/tracing.ts";
import { startRelay } from "../../src/relay/relay.ts";
import { channelConfig } from "../../src/relay/webhooks_file.ts";

const modes = ["nothing", "log, metrics, status", "and traces"] as const;
type Mode = typeof modes[number];
const rounds = 9;
const messages = 3_000;
const body = new Uint8Array(1024).fill(120);

async function startServer(): Promise<{ readonly url: string; stop(): void }> {
  const server = http.createServer((request, response) => {
    request.resume().on("end", () => response.end("{}"));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    stop() {
      server.closeAllConnections();
      server.close();
    },
  };
}

/** All that `hookferry connect` has, but for the page; the log's lines go nowhere. */
async function lookers(mode: Mode, collector: string) {
  if (mode === "nothing") return { observe: () => {}, sample: undefined, close: async () => {} };
  const log = createLog({
    levelOf: eventLevel,
    level: "info",
    format: "json",
    write: () => {},
    clock: systemClock,
  });
  const build = { version: "bench", runtime: "bench" };
  const nothing = { inHand: 0, inHandBytes: 0, oldestAgeMs: 0, held: new Map(), attempting: 0 };
  const metrics = foldMetrics({
    build,
    now: () => systemClock.now(),
    load: () => ({ ...nothing, silenceMs: 0, deadLetters: 0, journalHealthy: 1 }),
  });
  const status = foldStatus({
    clock: systemClock,
    targetNames: () => ["default"],
    about: build,
    now: () => ({
      connectorId: "bench",
      inHand: { messages: 0, bytes: 0 },
      heardAt: undefined,
      journal: { place: "memory", problem: undefined, deadLetters: { messages: 0, bytes: 0 } },
    }),
  });
  const folds: Observe[] = [log.observe, status.observe, metrics.observe];
  process.env["OTEL_EXPORTER_OTLP_ENDPOINT"] = collector;
  const tracing = mode === "and traces"
    ? await startTracing({
      service: "bench",
      version: "",
      env: process.env,
      onFailed: () => {},
      clock: systemClock,
    })
    : undefined;
  if (tracing) folds.push(foldSpans(tracing.record, systemClock).observe);
  return {
    observe: (event: Parameters<Observe>[0]) => folds.forEach((fold) => fold(event)),
    sample: tracing?.sample,
    async close() {
      await tracing?.close();
      log.close();
    },
  };
}

/** Webhooks a second. */
async function round(mode: Mode): Promise<number> {
  const target = await startServer();
  const collector = await startServer();
  const relay = await startRelay({
    hostname: "127.0.0.1",
    port: 0,
    clock: systemClock,
    observe: () => {},
    heartbeatMs: 30_000,
    channels: [channelConfig({ name: "dev", token: "s3cret", webhookIds: ["hook"] })],
  });
  const channel = relay.registry.named("dev")?.channel;
  for (let n = 0; n < messages; n++) {
    await channel?.publish({
      id: `msg_${n}`,
      webhookId: "hook",
      receivedAt: new Date().toISOString(),
      method: "POST",
      path: "",
      headers: [
        ["content-type", "application/json"],
        ["traceparent", `00-${String(n + 1).padStart(32, "0")}-00f067aa0ba902b7-01`],
      ],
      body,
    });
  }
  const { settings } = loadSettings({
    file: undefined,
    flags: {},
    env: {
      CONNECTOR_CLOUD_URL: relay.url,
      CONNECTOR_CHANNEL: "dev",
      CONNECTOR_TOKEN: "s3cret",
      CONNECTOR_TARGET_URL: target.url,
      CONNECTOR_JOURNAL: "memory",
    },
  });
  const looking = await lookers(mode, collector.url);
  const drain = new AbortController();
  let left = messages;
  const limits = settings.deadLetters;
  const journal = openJournal({ folder: undefined, limits, clock: systemClock, onDropped() {} });
  const connector = createConnector(settings, {
    journal,
    clock: systemClock,
    random: Math.random,
    sample: looking.sample,
    observe(event) {
      looking.observe(event);
      if (event.type === "settlement.confirmed" && --left === 0) drain.abort();
    },
  });
  const startedAt = performance.now();
  await connector.run({ drain: drain.signal, abort: new AbortController().signal });
  const seconds = (performance.now() - startedAt) / 1000;
  await looking.close();
  journal.close();
  await relay.stop(100);
  target.stop();
  collector.stop();
  return messages / seconds;
}

function median(values: number[]): number {
  return values.sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}

const results = new Map<Mode, number[]>(modes.map((mode) => [mode, []]));
for (const mode of modes) await round(mode); // warm
for (let n = 0; n < rounds; n++) {
  for (const mode of modes) results.get(mode)?.push(await round(mode));
}
const base = median(results.get("nothing") ?? []);
for (const [mode, rates] of results) {
  const rate = median(rates);
  const cost = `${((1 - rate / base) * 100).toFixed(1)} %`;
  console.log(`${mode.padEnd(22)} ${Math.round(rate)} webhooks/s, costs ${cost}`);
}
process.exit();
