/** The composition root: settings in, a running connector out. The only place that picks implementations. */
import { onAbort } from "./async/abort.ts";
import { Budget } from "./async/budget.ts";
import type { Clock, Random } from "./async/clock.ts";
import { Semaphore } from "./async/semaphore.ts";
import { type Chaos, type Faults, faultsOf } from "./chaos/chaos.ts";
import { chaosText } from "./chaos/chaos_text.ts";
import { chaoticSink } from "./chaos/chaotic_sink.ts";
import { chaoticTransport } from "./chaos/chaotic_transport.ts";
import type { Settings, SourceSettings, TargetSettings } from "./config/settings.ts";
import type { Lifetime, Sink, Transport, TransportName } from "./flow.ts";
import type { Observe } from "./observe/events.ts";
import { Dedup } from "./pipeline/dedup.ts";
import { createDeliver } from "./pipeline/deliver.ts";
import { runPipeline } from "./pipeline/pipeline.ts";
import {
  type Admission,
  createAdmission,
  createTarget,
  type Route,
  type Target,
} from "./pipeline/target.ts";
import { createFetch } from "./runtime/fetch.ts";
import { batchHttpSink } from "./sink/batch_http.ts";
import { httpSink } from "./sink/http.ts";
import { createSource } from "./source/source.ts";
import { chooseTransport } from "./transport/choose.ts";
import { longPollTransport } from "./transport/long_poll.ts";
import type { RelayEndpoint } from "./transport/relay_endpoint.ts";
import { sseTransport } from "./transport/sse.ts";
import { websocketTransport } from "./transport/websocket.ts";

export interface ConnectorOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly observe: Observe;
  /** Faults it makes in itself: for tests only. */
  readonly chaos?: Chaos;
}

export interface Connector {
  /** Messages received and not yet settled. */
  readonly inHand: { readonly messages: number; readonly bytes: number };
  /** Attempts under way. */
  readonly attempting: number;
  /** When the last bytes came from the relay, milliseconds since the epoch. */
  readonly heardAt: number | undefined;
  /**
   * Runs until `life.drain`, then finishes what is in hand within the grace the settings give (sooner on
   * `life.abort`). Resolves with how many messages had to be given back to the relay unfinished. Rejects
   * with a `StreamFailure` when the relay refuses the token, or cannot be reached, and the settings say to
   * stop then.
   */
  run(life: Lifetime): Promise<{ readonly abandoned: number }>;
}

/** The floor of every reconnect delay: an outage must not become a storm, a blip should not be felt. */
const reconnectFloorMs = 100;

export function createConnector(settings: Settings, options: ConnectorOptions): Connector {
  const { clock, random, chaos } = options;
  const faults = chaos && faultsOf(chaos);
  const { source, delivery } = settings;
  let abandoned = 0;
  let heardAt: number | undefined;
  const observe: Observe = (event) => {
    if (event.type === "delivery.failed" && event.outcome === "abandoned") abandoned++;
    options.observe(event);
  };
  const places = new Semaphore(delivery.maxConcurrentRequests);
  const budget = new Budget(delivery.maxQueueMessages, delivery.maxQueueBytes);

  return {
    inHand: {
      get messages() {
        return budget.items;
      },
      get bytes() {
        return budget.bytes;
      },
    },
    get attempting() {
      return places.held;
    },
    get heardAt() {
      return heardAt;
    },
    async run(life) {
      const http = createFetch(source.tls);
      const admit = createAdmission(places);
      const targets = createTargets(settings, { admit, drain: life.drain, clock, faults });
      const end = withGrace(life, delivery.shutdownGraceMs, clock, () =>
        observe({
          type: "connector.draining",
          inHand: budget.items,
          graceMs: delivery.shutdownGraceMs,
        }));
      if (chaos) {
        observe({ type: "config.warning", message: `faults are on: --chaos ${chaosText(chaos)}` });
      }
      observe({ type: "connector.started", source: source.url.href, channel: source.channel });
      try {
        await runPipeline({
          source: createSource({
            transports: chooseTransport(transportsFor(source.protocol, {
              ...source,
              connectorId: source.connectorId ?? `hookferry-${crypto.randomUUID()}`,
              fetch: http.fetch,
              maxInFlight: delivery.maxQueueMessages,
              clock,
            }, faults)),
            backoff: {
              baseMs: source.reconnectDelayMs,
              capMs: source.maxReconnectDelayMs,
              multiplier: source.reconnectBackoffMultiplier,
              floorMs: reconnectFloorMs,
            },
            heartbeatTimeoutMs: source.heartbeatTimeoutMs,
            connectionTimeoutMs: source.connectionTimeoutMs,
            onHeard: () => heardAt = clock.now(),
            fallbackRetryMs: source.fallbackRetryMs,
            maxConnectAttempts: source.maxConnectAttempts,
            exitOnRejected: settings.exitOnAuthFailure,
            clock,
            random,
            observe,
          }),
          dedup: new Dedup(
            { maxMessages: delivery.dedupMaxMessages, windowMs: delivery.dedupWindowMs },
            clock,
          ),
          budget,
          deliver: createDeliver({
            route: targets.route,
            admit,
            clock,
            random,
            observe,
          }),
          clock,
          observe,
        }, end.life);
        return { abandoned };
      } finally {
        end.dispose();
        await targets.close();
        http.close();
        observe({ type: "connector.stopped", unsettled: abandoned });
      }
    },
  };
}

function transportsFor(
  protocol: SourceSettings["protocol"],
  relay: RelayEndpoint,
  faults: Faults | undefined,
): [Transport, ...Transport[]] {
  const spoilt = (made: Transport) => faults ? chaoticTransport(made, faults) : made;
  const make: Record<TransportName, () => Transport> = {
    websocket: () => spoilt(websocketTransport(relay)),
    sse: () => spoilt(sseTransport(relay)),
    long_poll: () => spoilt(longPollTransport(relay)),
  };
  if (protocol !== "auto") return [make[protocol]()];
  return [make.websocket(), make.sse(), make.long_poll()];
}

function createTargets(
  settings: Settings,
  { admit, drain, clock, faults }: {
    admit: Admission;
    drain: AbortSignal;
    clock: Clock;
    faults: Faults | undefined;
  },
): { route: Route; close(): Promise<void> } {
  const make = (target: TargetSettings): Target => {
    const { name, retry, batch } = target;
    const limit = target.maxConcurrentRequests ?? settings.delivery.maxConcurrentRequests;
    const spoilt = (made: Sink) => faults ? chaoticSink(made, faults, clock) : made;
    if (!batch) return createTarget(name, spoilt(httpSink(target, limit, clock)), retry, limit);
    const places = new Semaphore(limit);
    const sink = batchHttpSink(target, batch, {
      maxSockets: limit,
      admit: (signal) => admit({ places }, signal),
      drain,
      clock,
    });
    return { name, sink: spoilt(sink), retry, places: undefined };
  };
  const byWebhookId = new Map([...settings.targets].map(([id, target]) => [id, make(target)]));
  const fallback = settings.defaultTarget && make(settings.defaultTarget);
  return {
    route: (webhookId) => byWebhookId.get(webhookId) ?? fallback,
    async close() {
      for (const { sink } of byWebhookId.values()) await sink[Symbol.asyncDispose]();
      await fallback?.sink[Symbol.asyncDispose]();
    },
  };
}

/** `life` whose abort also comes when the drain has lasted longer than the grace. */
function withGrace(
  life: Lifetime,
  graceMs: number,
  clock: Clock,
  onDrain: () => void,
): { readonly life: Lifetime; dispose(): void } {
  const late = new AbortController();
  let cancel = () => {};
  const forget = onAbort(life.drain, () => {
    onDrain();
    cancel = clock.after(graceMs, () => late.abort());
  });
  return {
    life: { drain: life.drain, abort: AbortSignal.any([life.abort, late.signal]) },
    dispose() {
      forget();
      cancel();
    },
  };
}
