import type { Clock } from "../async/clock.ts";
import type { Secret } from "../config/secret.ts";
import type { TlsSettings } from "../config/settings.ts";
import { allCapabilities } from "../protocol/frames.ts";
import { streamPath, wireHeaders } from "../protocol/wire.ts";
import type { Fetch } from "../runtime/fetch.ts";

/** The relay and how to talk to it: what every transport is made from. */
export interface RelayEndpoint {
  /** http: or https:, its path without a trailing slash. */
  readonly url: URL;
  readonly channel: string;
  /** The one that counts now: it may change while the connector runs. */
  readonly token: Secret;
  /** The relay does not accept the token; resolves with true when there is another one to try. */
  readonly renewToken?: () => Promise<boolean>;
  readonly connectorId: string;
  readonly tls: TlsSettings;
  readonly proxy: URL | undefined;
  readonly fetch: Fetch;
  readonly clock: Clock;
  /** Messages the connector is willing to hold unsettled; lowers the relay's window. */
  readonly maxInFlight: number;
  /** With so many bytes of bodies it wants no more. */
  readonly maxInFlightBytes: number;
  /** No byte for this long ends the connection; a long poll must answer well within it. */
  readonly heartbeatTimeoutMs: number;
  /** How long the relay may hold one long-poll request. */
  readonly pollTimeoutMs: number;
  /** How long one settlement request may take. */
  readonly ackTimeoutMs: number;
}

export function streamUrl(relay: RelayEndpoint, kind: "" | "/sse" | "/poll"): URL {
  return relayUrl(relay, streamPath(relay.channel, kind));
}

/** `path` below the relay's URL, which may have a path of its own. */
export function relayUrl(relay: RelayEndpoint, path: string): URL {
  return new URL(relay.url.href.replace(/\/$/, "") + path);
}

/** The same, as it stands in a request to the relay. */
export function relayPath({ url }: RelayEndpoint, path: string): string {
  const { pathname } = url;
  return pathname === "/" ? path : pathname + path;
}

/** The headers of every stream request: who we are and what we can do. */
export function streamHeaders(relay: RelayEndpoint): Record<string, string> {
  return {
    "Authorization": `Bearer ${relay.token.reveal()}`,
    [wireHeaders.connectorId]: relay.connectorId,
    [wireHeaders.connectorCapabilities]: allCapabilities.join(", "),
    [wireHeaders.maxInFlight]: String(relay.maxInFlight),
    [wireHeaders.maxInFlightBytes]: String(relay.maxInFlightBytes),
  };
}
