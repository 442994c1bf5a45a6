import type { Sample } from "../protocol/trace_context.ts";
import type { Clock } from "../async/clock.ts";
import type { Capability, RelayFrame } from "../protocol/frames.ts";
import { parseCapabilities, withoutBinary } from "../protocol/capabilities.ts";
import { wireHeaders } from "../protocol/wire.ts";
import type { RequestContext } from "../runtime/serve.ts";
import type { Channel } from "./channel.ts";
import type { AddressSet } from "../protocol/address_set.ts";
import type { BodyIntake } from "./ingest/body_intake.ts";
import type { WebhookPolicy } from "./ingest/policy.ts";
import type { Subscriber } from "./members.ts";
import type { Registry } from "./registry.ts";
import type { ObserveRelay } from "./relay_events.ts";

/** What Hono hands the routes: the server's own knowledge of the request. */
export interface RelayEnv {
  Bindings: RequestContext;
}

/** What all routes of a relay share. */
export interface RelayContext {
  readonly registry: Registry;
  readonly clock: Clock;
  /** Which traces are recorded; undefined = none. */
  readonly sample: Sample | undefined;
  readonly observe: ObserveRelay;
  readonly heartbeatMs: number;
  /** Every body of a request that is no administrator's goes through it. */
  readonly bodies: BodyIntake;
  /** By webhook id; a webhook without one is taken as it comes. */
  readonly policies: ReadonlyMap<string, WebhookPolicy>;
  /** Proxies whose X-Forwarded-For is believed. */
  readonly trustedProxies: AddressSet;
  /** A connection id that is not given twice. */
  newConnectionId(prefix: string): string;
}

/** What a connector said of itself with its stream request. */
export interface Hello
  extends
    Pick<Subscriber, "connectorId" | "connectionId" | "window" | "remoteAddress" | "tokenHash"> {
  /** Those of its that this stream can use. */
  readonly capabilities: readonly Capability[];
}

export function readHello(
  request: Request,
  channel: Channel,
  known: Pick<Hello, "connectionId" | "remoteAddress" | "tokenHash">,
  carries: "text" | "binary",
): Hello {
  const asked = (header: string) => {
    const count = Number(request.headers.get(header));
    return Number.isInteger(count) && count > 0 ? count : Infinity;
  };
  const { maxInFlight } = channel.settings;
  const capabilities = parseCapabilities(request.headers.get(wireHeaders.connectorCapabilities));
  return {
    ...known,
    connectorId: request.headers.get(wireHeaders.connectorId) ?? known.connectionId,
    capabilities: carries === "binary" ? capabilities : withoutBinary(capabilities),
    window: {
      messages: Math.min(asked(wireHeaders.maxInFlight), maxInFlight),
      bytes: asked(wireHeaders.maxInFlightBytes),
    },
  };
}

/** The `connected` frame for a connection. */
export function connectedFrame(
  hello: Hello,
  channel: Channel,
  clock: Clock,
): Extract<RelayFrame, { type: "connected" }> {
  const { queued, oldestAt } = channel.stats;
  return {
    type: "connected",
    connectionId: hello.connectionId,
    channel: channel.settings.name,
    capabilities: hello.capabilities,
    maxMessageBytes: channel.settings.maxBodyBytes,
    ackTimeoutMs: channel.settings.ackTimeoutMs,
    waiting: {
      messages: queued,
      oldestAgeMs: oldestAt === undefined ? 0 : Math.max(0, clock.now() - oldestAt),
    },
  };
}
