import type { Secret } from "./secret.ts";

/** Everything a connector needs to know, validated. Durations are milliseconds here; seconds in files. */
export interface Settings {
  readonly source: SourceSettings;
  /** Used for a webhook id that `targets` does not name. */
  readonly defaultTarget: TargetSettings | undefined;
  /** By webhook id. */
  readonly targets: ReadonlyMap<string, TargetSettings>;
  readonly delivery: DeliverySettings;
  readonly log: { readonly level: LogLevel; readonly format: "auto" | "human" | "json" };
  /** Where the status server listens; undefined = no status server. */
  readonly statusListen: ListenAddress | undefined;
  readonly exitOnAuthFailure: boolean;
}

export type LogLevel = "debug" | "info" | "warning" | "error";

export interface ListenAddress {
  readonly hostname: string;
  readonly port: number;
}

export interface SourceSettings {
  /** http: or https:, without a trailing slash. */
  readonly url: URL;
  readonly channel: string;
  readonly token: Secret;
  readonly connectorId: string | undefined;
  readonly protocol: "auto" | "websocket" | "sse" | "long_poll";
  readonly tls: TlsSettings;
  readonly reconnectDelayMs: number;
  readonly maxReconnectDelayMs: number;
  readonly reconnectBackoffMultiplier: number;
  /** Failures in a row before the connector gives up; 0 = never. */
  readonly maxConnectAttempts: number;
  /** No byte from the relay for this long = the connection is dead. */
  readonly heartbeatTimeoutMs: number;
  readonly connectionTimeoutMs: number;
  /** How long the relay may hold one long-poll request. */
  readonly pollTimeoutMs: number;
  /** How long one settlement request may take. */
  readonly ackTimeoutMs: number;
  /** `auto`: how long to stay on a lesser transport before trying the better one again. */
  readonly fallbackRetryMs: number;
}

export interface DeliverySettings {
  /** Attempts running at a time, over all targets. */
  readonly maxConcurrentRequests: number;
  /** Messages received and not yet settled. */
  readonly maxQueueMessages: number;
  readonly maxQueueBytes: number;
  readonly shutdownGraceMs: number;
  /** Ids remembered to recognise redeliveries. */
  readonly dedupMaxMessages: number;
  readonly dedupWindowMs: number;
}

export interface TargetSettings {
  /** The webhook id it is configured under, or "default". Names it in logs and metrics. */
  readonly name: string;
  readonly url: URL;
  /** undefined = the method of the webhook. */
  readonly method: string | undefined;
  readonly headers: readonly (readonly [string, string])[];
  readonly timeoutMs: number;
  readonly retry: RetrySettings;
  readonly tls: TlsSettings;
  /** undefined = only the overall limit. */
  readonly maxConcurrentRequests: number | undefined;
  /** Also send the X-Original-* headers of the old connector. */
  readonly legacyHeaders: boolean;
  /** How messages are gathered into one request; undefined = each has its own. */
  readonly batch: BatchSettings | undefined;
}

/** A request goes out with the first of: so many messages, so long after the first, so many bytes of bodies. */
export interface BatchSettings {
  readonly maxMessages: number;
  readonly maxWaitMs: number;
  /** One message with a larger body goes alone. */
  readonly maxBytes: number;
  readonly format: "json" | "ndjson" | "cloudevents";
}

export interface RetrySettings {
  /** At least 1; 1 = no retry. */
  readonly maxAttempts: number;
  readonly delayMs: number;
  readonly maxDelayMs: number;
  readonly multiplier: number;
}

/** PEM texts, already read and checked. */
export interface TlsSettings {
  readonly verify: boolean;
  /** Added to the runtime's own roots. */
  readonly ca: string | undefined;
  readonly cert: string | undefined;
  readonly key: string | undefined;
}
