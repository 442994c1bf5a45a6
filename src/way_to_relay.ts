/** How the source reaches the relay: settings in, transports and their times out, made anew when the settings change. */
import type { BackoffPolicy } from "./async/backoff.ts";
import type { Clock } from "./async/clock.ts";
import type { Faults } from "./chaos/chaos.ts";
import { chaoticTransport } from "./chaos/chaotic_transport.ts";
import type { Settings, SourceSettings } from "./config/settings.ts";
import type { Transport, TransportChoice } from "./flow.ts";
import type { OpenJournal } from "./journal/open_journal.ts";
import { createFetch, type FetchClient } from "./runtime/fetch.ts";
import { linking } from "./settings_change.ts";
import type { WayToRelay } from "./source/source_options.ts";
import { chooseTransport } from "./transport/choose.ts";
import type { RelayEndpoint } from "./transport/relay_endpoint.ts";
import { transportsFor } from "./transport/transports.ts";

/** The floor of every reconnect delay: an outage must not become a storm, a blip should not be felt. */
const reconnectFloorMs = 100;

/** How a connector waits before it opens the next connection. */
export function backoffOf(source: SourceSettings): BackoffPolicy {
  return {
    baseMs: source.reconnectDelayMs,
    capMs: source.maxReconnectDelayMs,
    multiplier: source.reconnectBackoffMultiplier,
    floorMs: reconnectFloorMs,
  };
}

export function wayToRelay(
  current: () => Settings,
  { journal, clock, faults, renewToken }: {
    readonly journal: OpenJournal;
    readonly clock: Clock;
    readonly faults: Faults | undefined;
    readonly renewToken: () => Promise<boolean>;
  },
): { now(): WayToRelay; close(): void } {
  let known: { readonly settings: Settings; readonly way: WayToRelay } | undefined;
  let made: { readonly by: string; readonly choice: TransportChoice } | undefined;
  /** The one before the last: what is still under way there may end. */
  let old: FetchClient | undefined;
  let client: FetchClient | undefined;

  const spoilt = (transport: Transport) => faults ? chaoticTransport(transport, faults) : transport;

  function wayOf(settings: Settings): WayToRelay {
    const { source, exitOnAuthFailure: exitOnRejected } = settings;
    return {
      ...source,
      transports: transportsOf(settings),
      dropIdle: () => client?.dropIdle(),
      backoff: backoffOf(source),
      exitOnRejected,
    };
  }

  function transportsOf(settings: Settings): TransportChoice {
    const by = linking(settings);
    if (made?.by !== by) {
      const { source, delivery } = settings;
      old?.close();
      old = client;
      const { fetch } = client = createFetch(source);
      const relay: RelayEndpoint = {
        ...source,
        get token() {
          return current().source.token;
        },
        renewToken,
        connectorId: source.connectorId ?? journal.connectorId,
        fetch,
        maxInFlight: delivery.maxQueueMessages,
        // The other half is room for the last one: what waits to be taken in cannot have its lease extended.
        maxInFlightBytes: Math.ceil(delivery.maxQueueBytes / 2),
        clock,
      };
      const [first, ...others] = transportsFor(source.protocol, relay);
      made = { by, choice: chooseTransport([spoilt(first), ...others.map(spoilt)]) };
    }
    return made.choice;
  }

  return {
    now() {
      const settings = current();
      if (known?.settings !== settings) known = { settings, way: wayOf(settings) };
      return known.way;
    },
    close() {
      old?.close();
      client?.close();
    },
  };
}
