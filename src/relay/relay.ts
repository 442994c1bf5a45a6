/** The relay's composition root: channels in, a listening server out. */
import type { Clock } from "../async/clock.ts";
import { maxFrameBytes } from "../protocol/limits.ts";
import type { Sample } from "../protocol/trace_context.ts";
import { serve, type ServerTls } from "../runtime/serve.ts";
import { addressSet } from "../protocol/address_set.ts";
import { askedFromHere } from "./asked_from_here.ts";
import { BodyIntake } from "./ingest/body_intake.ts";
import { type PolicyConfig, webhookPolicy } from "./ingest/policy.ts";
import { foldRelayRates } from "./page/relay_rates.ts";
import { relayPages } from "./page/relay_pages.tsx";
import { type ChannelConfig, Registry } from "./registry.ts";
import type { RelayContext } from "./relay_env.ts";
import type { ObserveRelay } from "./relay_events.ts";
import { foldRelayMetrics } from "./relay_metrics.ts";
import { routes } from "./routes.ts";
import { memoryStores } from "./sqlite/sqlite_stores.ts";
import type { OpenStores } from "./store.ts";

/** Between looks for what has expired. */
const purgeEveryMs = 30_000;
/** A body of the largest size comes in time over a megabit a second or two. */
const bodyTimeoutMs = 60_000;
const defaultMaxIncomingBytes = 256 * 1024 * 1024;

export interface RelayOptions {
  readonly hostname: string;
  /** 0 = any free port. */
  readonly port: number;
  readonly channels: readonly ChannelConfig[];
  /** By webhook id: what a webhook must be before it is stored. */
  readonly policies?: ReadonlyMap<string, PolicyConfig>;
  /** Addresses and networks of proxies whose X-Forwarded-For is believed; none when nothing is said. */
  readonly trustedProxies?: readonly string[];
  readonly clock: Clock;
  readonly observe: ObserveRelay;
  /** Which traces are recorded; none when nothing is said. */
  readonly sample?: Sample | undefined;
  /** Opens where messages are kept; in memory when nothing is said. Closed with the relay. */
  readonly stores?: OpenStores;
  /** Between heartbeats on a stream, milliseconds. */
  readonly heartbeatMs: number;
  /** Of bodies that are under way, bytes; 256 MiB when nothing is said. */
  readonly maxIncomingBytes?: number;
  /** Certificate and key, PEM; plain HTTP when nothing is said. */
  readonly tls?: ServerTls | undefined;
  /** For `/metrics`. */
  readonly build?: { readonly version: string; readonly runtime: string };
  /** Undefined = no admin API. */
  readonly adminToken?: string | undefined;
  /** Senders come through a proxy: page and `/metrics` are for the admin token alone. */
  readonly isBehindProxy?: boolean;
  /** Take `?token=` on streams too. Off by default: URLs end in access logs. */
  readonly allowQueryToken?: boolean;
}

export interface Relay {
  readonly url: string;
  readonly registry: Registry;
  /** Held by bodies of requests that are not complete. */
  readonly incomingBytes: number;
  /** New connections get this certificate; those that are open go on. Rejects with a `CannotListenError`. */
  renewTls(tls: ServerTls): Promise<void>;
  /** Takes what whoever runs it has seen: it is counted and told as what it sees itself. */
  readonly observe: ObserveRelay;
  /** Ends the streams, waits for open requests up to `graceMs`, stops listening. */
  stop(graceMs: number): Promise<void>;
}

/** Listens. Rejects when the stores cannot be opened or the address cannot be had. */
export async function startRelay(options: RelayOptions): Promise<Relay> {
  const { clock, heartbeatMs } = options;
  const bodies = new BodyIntake({
    clock,
    timeoutMs: bodyTimeoutMs,
    maxBytes: options.maxIncomingBytes ?? defaultMaxIncomingBytes,
  });
  const metrics = foldRelayMetrics({
    registry: () => registry,
    storeProblem: () => stores.problem,
    incomingBytes: () => bodies.bytes,
    now: () => clock.now(),
    build: options.build ?? { version: "", runtime: "" },
  });
  const rates = foldRelayRates(clock);
  const observe: ObserveRelay = (event) => {
    metrics.observe(event);
    rates.observe(event);
    options.observe(event);
  };
  const stores = await (options.stores ?? memoryStores)(observe, clock);
  const registry = await Registry.open(options.channels, stores, clock, observe)
    .catch(async (error) => {
      await stores.close();
      throw error;
    });
  let connections = 0;
  const relay: RelayContext = {
    registry,
    clock,
    observe,
    sample: options.sample,
    heartbeatMs,
    bodies,
    policies: new Map(
      [...options.policies ?? []].map(([id, config]) => [id, webhookPolicy(config, clock)]),
    ),
    trustedProxies: addressSet(options.trustedProxies ?? []),
    newConnectionId: (prefix) => `${prefix}_${++connections}_${Math.floor(clock.now() / 1000)}`,
  };
  const isHere = askedFromHere(options.isBehindProxy ?? false);
  const pages = relayPages({
    adminToken: options.adminToken,
    isHere,
    trustedProxies: relay.trustedProxies,
    clock,
    view: () => ({
      channels: registry.all,
      rates,
      problem: stores.problem,
      store: stores.name,
      now: clock.now(),
    }),
  });
  const app = routes(relay, metrics, {
    ...options,
    ...{ stores, isHere, version: options.build?.version ?? "" },
  });
  app.route("/", pages.routes);
  const server = await serve({
    hostname: options.hostname,
    port: options.port,
    maxFrameBytes,
    tls: options.tls,
    handler: (request, context) => app.fetch(request, context),
  }).catch(async (error) => {
    registry.close();
    await stores.close();
    throw error;
  });
  const stopPurging = purgeNowAndThen(registry, clock);
  let stopping: Promise<void> | undefined;
  const stop = async (graceMs: number) => {
    stopPurging();
    registry.close();
    pages.close();
    bodies.stop();
    await server.stop(graceMs);
    await stores.close();
  };
  return {
    url: server.url,
    registry,
    get incomingBytes() {
      return bodies.bytes;
    },
    renewTls: (tls) => server.renew(tls),
    observe,
    stop: (graceMs) => stopping ??= stop(graceMs),
  };
}

/** Until the result is called. */
function purgeNowAndThen(registry: Registry, clock: Clock): () => void {
  const purge = () => {
    for (const { channel } of registry.all) {
      channel.purge().catch(() => {}); // it is tried again; what is wrong shows in /readyz
    }
    cancel = clock.after(purgeEveryMs, purge);
  };
  let cancel = clock.after(purgeEveryMs, purge);
  return () => cancel();
}
