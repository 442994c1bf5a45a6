import type { Reason, StreamFailureClass, TransportName } from "../flow.ts";
import type { About } from "../protocol/about.ts";

/**
 * Everything that happens, one event per fact. Logs, metrics, status and the dashboard are folds over
 * these; the logic that emits them calls neither a logger nor a counter. Durations are milliseconds. `replay`: what
 * came to its end before is sent again because somebody said so.
 */
export type ConnectorEvent =
  /** A setting works but should be looked at. */
  | { readonly type: "config.warning"; readonly message: string }
  /** Other settings count now. */
  | {
    readonly type: "config.reloaded";
    /** What is other than before: "key: before -> now", secrets as ***. */
    readonly changed: readonly string[];
    /** Of these keys the value of the files counts at the next start only: the process runs with another. */
    readonly needsRestart: readonly string[];
  }
  /** The new settings are not valid: those from before go on. */
  | { readonly type: "config.reload_failed"; readonly message: string }
  | { readonly type: "status.listening"; readonly url: string }
  /** Nobody asked for the status server and its port was taken: the connector works without it. */
  | { readonly type: "status.unavailable"; readonly message: string }
  | { readonly type: "connector.started"; readonly source: string; readonly channel: string }
  | { readonly type: "connector.draining"; readonly inHand: number; readonly graceMs: number }
  | { readonly type: "connector.stopped"; readonly unsettled: number }
  | {
    readonly type: "stream.connecting";
    readonly transport: TransportName;
    readonly attempt: number;
  }
  | {
    readonly type: "stream.connected";
    readonly transport: TransportName;
    readonly connectionId: string;
    readonly capabilities: readonly string[];
    /** Time since the last connection ended, or since the start. */
    readonly downMs: number;
    /** What the relay says is waiting, where it tells. */
    readonly waiting?: { readonly messages: number; readonly oldestAgeMs: number };
  }
  /**
   * The connector ends it itself where it stops, is paused or goes on after that, where other settings count, and where
   * a better transport gets through.
   */
  | {
    readonly type: "stream.disconnected";
    readonly transport: TransportName;
    readonly reason: string;
    readonly by: "connector" | "relay_or_network";
    readonly upMs: number;
  }
  | {
    readonly type: "stream.failed";
    readonly transport: TransportName;
    readonly failureClass: StreamFailureClass;
    readonly message: string;
    readonly status?: number;
    readonly retryInMs: number;
  }
  /** `blocked`: what it had does not get through; `better`: one before that in the order does again. */
  | {
    readonly type: "stream.transport_changed";
    readonly from: TransportName;
    readonly to: TransportName;
    readonly cause: "blocked" | "better";
    readonly reason: string;
  }
  | {
    readonly type: "stream.frame_ignored";
    /**
     * `stray`: it greets again, or confirms what is not waited for, as a relay does that was told twice; `header`: of a
     * webhook that is delivered, headers that are none.
     */
    readonly kind: "unknown" | "malformed" | "stray" | "header";
    readonly problem: string;
    readonly messageId?: string;
    /** This and the trace of one that is delivered. */
    readonly webhookId?: string;
    readonly traceId?: string;
  }
  /** Reading from the relay stopped because the queue is full, or goes on. */
  | { readonly type: "stream.backpressure"; readonly on: boolean }
  | About & {
    readonly type: "delivery.received";
    readonly method: string;
    /** What followed the webhook id, without the query: that may hold secrets. */
    readonly path: string;
    readonly bytes: number;
    /** Time since the relay received it. */
    readonly lagMs: number;
    /** Of its handling here; with a recorded trace. */
    readonly spanId?: string;
    readonly parentSpanId?: string;
  }
  /** What it is, secrets masked, with the beginning of a body that is text; only with `log_payload`. */
  | About & {
    readonly type: "delivery.payload";
    readonly method: string;
    readonly path: string;
    readonly headers: readonly (readonly [name: string, value: string])[];
    readonly body?: string;
  }
  | About & {
    readonly type: "delivery.duplicate";
    readonly state: "in_flight" | "finished";
    /** How a finished one ended, and is settled again. */
    readonly outcome?: "delivered" | "rejected";
  }
  /** It has several targets; these are asked now. */
  | About & {
    readonly type: "delivery.routed";
    readonly targets: readonly string[];
  }
  | About & {
    readonly type: "delivery.attempted";
    readonly target: string;
    readonly attempt: number;
    readonly result: "delivered" | "transient" | "permanent";
    readonly durationMs: number;
    readonly status?: number;
    readonly reason?: Reason;
    /** The one that it shares with others; `failed` when each of them is to come again. */
    readonly request?: { readonly failed: boolean };
    /** What the target got as its parent; with a recorded trace. */
    readonly spanId?: string;
    readonly parentSpanId?: string;
    readonly replay?: true;
  }
  /** One request with several messages; each of them is attempted for itself. 413: they go again at once, fewer in each. */
  | {
    readonly type: "batch.sent";
    readonly target: string;
    readonly messages: number;
    /** Of the request's body. */
    readonly bytes: number;
    readonly durationMs: number;
    /** Undefined when there was no answer. */
    readonly status?: number;
  }
  | About & {
    readonly type: "delivery.retrying";
    readonly target: string;
    readonly attempt: number;
    readonly reason: Reason;
    readonly delayMs: number;
    readonly replay?: true;
  }
  | About & {
    readonly type: "delivery.succeeded";
    readonly target: string;
    readonly attempts: number;
    readonly status: number;
    readonly durationMs: number;
    readonly lagMs: number;
    readonly replay?: true;
  }
  | About & {
    readonly type: "delivery.failed";
    readonly outcome: "rejected" | "exhausted" | "abandoned";
    /** Undefined when no target is configured for the webhook id. */
    readonly target?: string;
    readonly attempts: number;
    readonly reason: Reason;
    readonly replay?: true;
  }
  /** Given back to the relay, where it counts for nothing: breaker open, target changed, enough waits for a slow target, or for its key. */
  | About & {
    readonly type: "delivery.deferred";
    readonly target?: string;
    readonly reason: Reason;
    readonly delayMs: number;
    readonly replay?: true;
  }
  /** Closed also where its target is gone: another one takes its place, or none. */
  | {
    readonly type: "breaker.changed";
    readonly target: string;
    readonly state: "closed" | "open" | "half_open";
    /** How long an open one keeps attempts away. */
    readonly openMs: number;
  }
  | About & {
    readonly type: "dead_letter.stored";
    readonly target: string;
    readonly reason: Reason;
  }
  | About & {
    readonly type: "dead_letter.replayed";
    readonly target: string;
    readonly delivered: boolean;
  }
  /** A message that had come to its end was delivered once more, or not, because somebody said so. */
  | About & {
    readonly type: "delivery.replayed";
    readonly target: string;
    readonly delivered: boolean;
  }
  /** The oldest made room. */
  | { readonly type: "dead_letter.dropped"; readonly count: number }
  /** A dead letter is gone without being delivered: it made room, or somebody dropped it. */
  | About & {
    readonly type: "dead_letter.forgotten";
    readonly target: string;
    readonly by: "room" | "hand";
  }
  /** The journal could not be written; what is delivered now may come again after a restart. */
  | { readonly type: "journal.failed"; readonly message: string }
  /** Intake stopped, or goes on. */
  | { readonly type: "connector.paused"; readonly forMs?: number }
  | { readonly type: "connector.resumed" }
  | {
    readonly type: "settlement.confirmed";
    readonly messageId: string;
    /** This and the trace are added for the log. */
    readonly webhookId?: string;
    readonly traceId?: string;
    readonly verdict: "ack" | "nack";
    readonly retry: boolean;
  }
  | {
    readonly type: "settlement.failed";
    readonly count: number;
    readonly message: string;
    readonly retryInMs: number;
  }
  /** The log was read too slowly: so many lines of it are missing, since the start. */
  | { readonly type: "log.lines_lost"; readonly lines: number }
  /** The collector did not take so many spans; they are dropped. */
  | { readonly type: "trace.export_failed"; readonly spans: number; readonly message: string };

export type Observe = (event: ConnectorEvent) => void;
