/** How the source reaches the relay: settings in, transports and their times out, made anew when the settings change. */
import type { Clock } from "./async/clock.ts";
import type { Faults } from "./chaos/chaos.ts";
import { chaoticTransport } from "./chaos/chaotic_transport.ts";
import type { Settings, SourceSettings } from "./config/settings.ts";
import type { Transport, TransportChoice, TransportName } from "./flow.ts";
import type { OpenJournal } from "./journal/open_journal.ts";
import { createFetch, type FetchClient } from "./runtime/fetch.ts";
import { linking } from "./settings_change.ts";
import type { SourceOptions } from "./source/source_options.ts";
import { chooseTransport } from "./transport/choose.ts";
import { longPollTransport } from "./transport/long_poll.ts";
import type { RelayEndpoint } from "./transport/relay_endpoint.ts";
import { smeeTransport } from "./transport/smee.ts";
import { sseTransport } from "./transport/sse.ts";
import { websocketTransport } from "./transport/websocket.ts";

export interface WayToRelay {
  /** The source's options: what is made from settings tells what they say at the moment. */
  options(others: Omit<SourceOptions, FromSettings>): SourceOptions;
  close(): void;
}

type FromSettings =
  | "transports"
  | "backoff"
  | "heartbeatTimeoutMs"
  | "connectionTimeoutMs"
  | "ackTimeoutMs"
  | "fallbackRetryMs"
  | "maxConnectAttempts"
  | "exitOnRejected";

/** The floor of every reconnect delay: an outage must not become a storm, a blip should not be felt. */
const reconnectFloorMs = 100;

export function wayToRelay(
  now: () => Settings,
  { journal, clock, faults, renewToken }: {
    readonly journal: OpenJournal;
    readonly clock: Clock;
    readonly faults: Faults | undefined;
    readonly renewToken: () => Promise<boolean>;
  },
): WayToRelay {
  let made: { readonly by: string; readonly choice: TransportChoice } | undefined;
  /** The one before the last: what is still under way there may end. */
  let old: FetchClient | undefined;
  let client: FetchClient | undefined;

  function transports(): TransportChoice {
    const by = linking(now());
    if (made?.by !== by) {
      const { source, delivery } = now();
      old?.close();
      old = client;
      const { fetch } = client = createFetch(source);
      const relay: RelayEndpoint = {
        ...source,
        get token() {
          return now().source.token;
        },
        renewToken,
        connectorId: source.connectorId ?? journal.connectorId,
        fetch,
        maxInFlight: delivery.maxQueueMessages,
        clock,
      };
      made = { by, choice: chooseTransport(transportsFor(source.protocol, relay, faults)) };
    }
    return made.choice;
  }

  return {
    options: (others) => ({
      ...others,
      get transports() {
        return transports();
      },
      get backoff() {
        const { source } = now();
        return {
          baseMs: source.reconnectDelayMs,
          capMs: source.maxReconnectDelayMs,
          multiplier: source.reconnectBackoffMultiplier,
          floorMs: reconnectFloorMs,
        };
      },
      get heartbeatTimeoutMs() {
        return now().source.heartbeatTimeoutMs;
      },
      get connectionTimeoutMs() {
        return now().source.connectionTimeoutMs;
      },
      get ackTimeoutMs() {
        return now().source.ackTimeoutMs;
      },
      get fallbackRetryMs() {
        return now().source.fallbackRetryMs;
      },
      get maxConnectAttempts() {
        return now().source.maxConnectAttempts;
      },
      get exitOnRejected() {
        return now().exitOnAuthFailure;
      },
    }),
    close() {
      old?.close();
      client?.close();
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
    smee: () => spoilt(smeeTransport(relay)),
  };
  if (protocol !== "auto") return [make[protocol]()];
  return [make.websocket(), make.sse(), make.long_poll()];
}
