import http from "node:http";
import type { AddressInfo } from "node:net";
import { type Clock, type Random, systemClock } from "../../src/async/clock.ts";
import type { Chaos } from "../../src/chaos/chaos.ts";
import { loadSettings } from "../../src/config/load.ts";
import type { Settings, SourceSettings } from "../../src/config/settings.ts";
import { type Connector, createConnector } from "../../src/connector.ts";
import { type OpenJournal, openJournal } from "../../src/journal/open_journal.ts";
import type { ConnectorEvent } from "../../src/observe/events.ts";
import type { Sample } from "../../src/protocol/trace_context.ts";
import { type Relay, type RelayOptions, startRelay } from "../../src/relay/relay.ts";
import type { ChannelConfig } from "../../src/relay/registry.ts";
import { channelConfig } from "../../src/relay/webhooks_file.ts";
import { lastOf, type TestContext } from "./cleanup.ts";

export interface Got {
  readonly method: string;
  readonly url: string;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: Uint8Array;
}

export interface Target {
  readonly got: readonly Got[];
  readonly url: URL;
  /** Resolves when the n-th request has arrived. */
  arrived(n: number): Promise<void>;
}

/** What a target does with its n-th request (from 1): a status, once the promise resolves. */
export type Respond = (
  n: number,
  got: Got,
  response: http.ServerResponse,
) => number | Promise<number>;

/** A real HTTP target on loopback. */
export async function startTarget(t: TestContext, respond: Respond = () => 200): Promise<Target> {
  const got: Got[] = [];
  const waiters: { n: number; resolve: () => void }[] = [];
  const server = http.createServer((request, response) => {
    const chunks: Uint8Array[] = [];
    request.on("data", (chunk) => chunks.push(chunk));
    request.on("end", async () => {
      const { method = "", url = "", headers } = request;
      const one: Got = { method, url, headers, body: Buffer.concat(chunks) };
      got.push(one);
      for (const { n, resolve } of waiters) if (got.length >= n) resolve();
      response.statusCode = await respond(got.length, one, response);
      response.end("ok");
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.defer(() => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  });
  const { port } = server.address() as AddressInfo;
  return {
    got,
    url: new URL(`http://127.0.0.1:${port}/hooks`),
    arrived: (n) =>
      got.length >= n ? Promise.resolve() : new Promise((resolve) => waiters.push({ n, resolve })),
  };
}

/** Settings for the channel "dev" of a relay, with short waits; `more` is what else a file would say. */
export function settings(
  relayUrl: string,
  target: URL,
  protocol: SourceSettings["protocol"],
  more: Record<string, unknown> = {},
): Settings {
  const source = { cloud_url: relayUrl, channel: "dev", token: "s3cret", protocol };
  return settingsFor({ ...source, exit_on_auth_failure: true }, target, more);
}

/** The same for any source. */
export function settingsFor(
  source: Record<string, unknown>,
  target: URL,
  more: Record<string, unknown> = {},
): Settings {
  const content = {
    ...source,
    reconnect_delay: 0.02,
    max_reconnect_delay: 0.1,
    ...more,
    default_target: {
      url: target.href,
      retry_delay_seconds: 0.01,
      retry_max_delay_seconds: 0.05,
      ...(more["default_target"] as object),
    },
  };
  return loadSettings({ file: { path: "/test.json", content }, env: {}, flags: {} }).settings;
}

/** A real relay in this process with the channel "dev", fed by the webhook id "hook", behind those of `options`. */
export async function startDevRelay(
  t: TestContext,
  overrides: Partial<ChannelConfig> = {},
  options: Partial<RelayOptions> = {},
): Promise<Relay> {
  const relay = await startRelay({
    hostname: "127.0.0.1",
    port: 0,
    clock: systemClock,
    observe: () => {},
    heartbeatMs: 30_000,
    ...options,
    channels: [...options.channels ?? [], {
      ...channelConfig({ name: "dev", token: "s3cret", webhookIds: ["hook"] }),
      ...overrides,
    }],
  });
  t.defer(() => relay.stop(1_000));
  return relay;
}

export async function publish(relay: Relay, body: string): Promise<string> {
  const response = await fetch(`${relay.url}/webhook/hook`, { method: "POST", body });
  const { message_id } = await response.json() as { message_id: string };
  return message_id;
}

export interface Running {
  readonly connector: Connector;
  readonly journal: OpenJournal;
  readonly events: readonly ConnectorEvent[];
  readonly drain: AbortController;
  readonly abort: AbortController;
  /** What `run` came to. */
  readonly ended: Promise<{ abandoned: number }>;
  /** Resolves when the n-th event of the type has happened. */
  happened(type: ConnectorEvent["type"], n?: number): Promise<void>;
}

/** A real connector in this process. It is drained at the end of the test. */
export function startConnector(
  t: TestContext,
  given: Settings,
  { clock = systemClock, random = Math.random, folder, chaos, sample }: {
    clock?: Clock;
    random?: Random;
    /** Of the journal; else it is in memory. */
    folder?: string;
    chaos?: Chaos;
    /** Which traces are recorded; else none. */
    sample?: Sample;
  } = {},
): Running {
  const events: ConnectorEvent[] = [];
  t.explain(() => lastOf("the connector saw", events));
  const waiters: { type: string; n: number; resolve: () => void }[] = [];
  const counts = new Map<string, number>();
  const count = (type: string) => counts.get(type) ?? 0;
  const drain = new AbortController();
  const abort = new AbortController();
  const journal = openJournal({ folder, limits: given.deadLetters, clock, onDropped: () => {} });
  const connector = createConnector(given, {
    journal,
    clock,
    random,
    ...(chaos && { chaos }),
    sample,
    observe(event) {
      events.push(event);
      counts.set(event.type, count(event.type) + 1);
      for (const waiter of waiters) if (count(waiter.type) >= waiter.n) waiter.resolve();
    },
  });
  const ended = connector.run({ drain: drain.signal, abort: abort.signal })
    .finally(() => journal.close());
  ended.catch(() => {}); // a test that cares awaits it itself
  t.defer(async () => {
    drain.abort();
    abort.abort();
    await ended.catch(() => {});
  });
  return {
    connector,
    journal,
    events,
    drain,
    abort,
    ended,
    happened: (type, n = 1) =>
      count(type) >= n
        ? Promise.resolve()
        : new Promise((resolve) => waiters.push({ type, n, resolve })),
  };
}
