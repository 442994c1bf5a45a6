import type { Ordering } from "../protocol/ordering.ts";
import type { Secret } from "./secret.ts";

/** Everything a connector needs to know, validated. Durations are milliseconds here; seconds in files. */
export interface Settings {
  readonly source: SourceSettings;
  /** Used for a webhook id that `routes` does not name. */
  readonly defaultRoute: RouteSettings | undefined;
  /** By webhook id. */
  readonly routes: ReadonlyMap<string, RouteSettings>;
  readonly delivery: DeliverySettings;
  readonly journal: JournalSettings;
  /** Bounds of the dead letters kept here. */
  readonly deadLetters: { readonly maxLetters: number; readonly maxBytes: number };
  readonly log: LogSettings;
  /** What standard output is for; `auto` depends on what it is. */
  readonly output: typeof outputChoices[number];
  /** Where the status server listens; undefined = no status server. */
  readonly statusListen: ListenAddress | undefined;
  /** What the status server's control routes want; undefined = made by the connector, or off. */
  readonly statusToken: Secret | undefined;
  /** Names of headers and query parameters whose values nobody is shown, with `*`, separated by commas. */
  readonly redact: string;
  /** Undefined = requests and responses are not kept. */
  readonly inspect: InspectSettings | undefined;
  readonly exitOnAuthFailure: boolean;
}

export interface LogSettings {
  readonly level: LogLevel;
  readonly format: "auto" | "human" | "json";
  /** One debug line for each webhook with what it is, bounded, secrets masked. */
  readonly payload: boolean;
}

/** What is kept of requests and responses for people to look at. */
export interface InspectSettings {
  readonly maxMessages: number;
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
  /** `smee`: not a relay of ours but a stream without token and acknowledgements, whose URL is the secret. */
  readonly protocol: "auto" | "websocket" | "sse" | "long_poll" | "smee";
  readonly tls: TlsSettings;
  readonly proxy: URL | undefined;
  /** Why this proxy, or none, for people. */
  readonly proxyReason: string;
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
  readonly ordering: Ordering;
  /** Messages of one key that wait for their turn. */
  readonly maxLaneMessages: number;
  /** What becomes of a message whose attempts are used up. */
  readonly onExhausted: "nack" | "dead_letter";
  /** The source takes nothing back: whatever is not delivered becomes a dead letter here. */
  readonly keepsAll: boolean;
  /** Crashes with a message in hand after which it is put away; 0 = never. */
  readonly poisonAfter: number;
}

/** Where the journal is kept, and what follows when it cannot be. */
export interface JournalSettings {
  readonly place:
    /** Nothing was said: below the user's state folder. */
    | { readonly kind: "default" }
    | { readonly kind: "memory" }
    | { readonly kind: "folder"; readonly folder: string };
  readonly onFailure: "continue" | "stop";
}

/** Where the webhooks of one id go. */
export interface RouteSettings {
  readonly targets: readonly [TargetSettings, ...TargetSettings[]];
  /** When a webhook with several targets counts as delivered; `primary` is the first. */
  readonly ack: "all" | "any" | "primary";
}

export interface TargetSettings {
  /** The webhook id it is configured under (with a number where there are several), or "default", or as it says. */
  readonly name: string;
  readonly url: URL;
  /** Of a server on this machine; the URL's host is "localhost" then. */
  readonly socketPath: string | undefined;
  /** Where that is, for people: the URL's origin, or unix:PATH. */
  readonly origin: string;
  /** Where all the addresses of its host must be; undefined = anywhere. */
  readonly allowedNetworks: readonly string[] | undefined;
  readonly proxy: URL | undefined;
  /** Why this proxy, or none, for people. */
  readonly proxyReason: string;
  /** undefined = the method of the webhook. */
  readonly method: string | undefined;
  readonly headers: readonly (readonly [string, string])[];
  readonly timeoutMs: number;
  readonly retry: RetrySettings;
  readonly breaker: BreakerSettings;
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

export interface BreakerSettings {
  /** Failures in a row that open it; 0 = it never opens. */
  readonly consecutiveFailures: number;
  /** Share of failures, 0 to 1, among the last `window` attempts that opens it. */
  readonly failureRate: number;
  readonly window: number;
  /** How long it stays open the first time; doubled each time a probe fails, up to the cap. */
  readonly openMs: number;
  readonly maxOpenMs: number;
  /** Messages that wait while it is open; those beyond go back to the relay. */
  readonly maxHeld: number;
}

/** PEM texts, already read and checked. */
export interface TlsSettings {
  readonly verify: boolean;
  /** Added to the runtime's own roots. */
  readonly ca: string | undefined;
  readonly cert: string | undefined;
  /** Without a passphrase. */
  readonly key: string | undefined;
  /** The name asked for, and looked for in the certificate; undefined = the host of the URL. */
  readonly serverName?: string | undefined;
  /** The least version spoken; undefined = tls1.2. */
  readonly minVersion?: TlsVersion | undefined;
}

export type TlsVersion = typeof tlsVersions[number];

/** What both runtimes can hold to. */
export const tlsVersions = ["tls1.2", "tls1.3"] as const;

export const outputChoices = ["auto", "live", "text", "json", "quiet"] as const;
