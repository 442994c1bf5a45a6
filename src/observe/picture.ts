/** What the folds come to that people look at: plain data, importable from everywhere. */
import type { Envelope } from "../protocol/envelope.ts";

/** Where a message stands, at one target or altogether. */
export type Standing =
  | "in_hand"
  | "retrying"
  | "delivered"
  | "deferred"
  | "rejected"
  | "exhausted"
  | "abandoned";

/** Whether it has come to an end there, for now or for good. */
export function isOver(standing: Standing): boolean {
  return standing !== "retrying" && standing !== "in_hand";
}

export interface AttemptRecord {
  readonly target: string;
  readonly attempt: number;
  /** Milliseconds since the epoch. */
  readonly startedAt: number;
  readonly durationMs: number;
  readonly result: "delivered" | "transient" | "permanent";
  readonly status: number | undefined;
  /** Why it did not succeed. */
  readonly reason: string | undefined;
}

/** How it stands at one target. */
export interface TargetStanding {
  /** Empty = none was asked, and that of the message as a whole. */
  readonly name: string;
  readonly standing: Standing;
  /** Why it is not delivered. */
  readonly reason: string | undefined;
  /** Kept here as a dead letter. */
  readonly isDeadLetter: boolean;
}

/** One of the last messages. */
export interface RecentMessage {
  readonly messageId: string;
  readonly webhookId: string;
  /** W3C trace id, where one is known. */
  readonly traceId: string | undefined;
  /** Empty where its coming is not known any more. */
  readonly method: string;
  /** What followed the webhook id, without the query. */
  readonly path: string;
  /** When it came here for the first time, milliseconds since the epoch. */
  readonly at: number;
  /** How long after the relay had received it; undefined when that is not known. */
  readonly lagMs: number | undefined;
  readonly bytes: number | undefined;
  /** How often it came. */
  readonly copies: number;
  /** Those that are asked or told something since it came last, and those that are done with it. */
  readonly targets: readonly TargetStanding[];
  /** The target furthest from success decides; what has come again is in hand until one tells something. */
  readonly standing: Standing;
  /** Why it is not delivered. */
  readonly reason: string | undefined;
  /** All that were made; `attempts` has the last of them. */
  readonly attemptCount: number;
  readonly attempts: readonly AttemptRecord[];
  /** From its first coming to its end here, replays not counted; undefined before. */
  readonly durationMs: number | undefined;
  /** What the relay was told since it came last. */
  readonly settled: "ack" | "nack" | undefined;
  /** Kept here as a dead letter, of any target. */
  readonly isDeadLetter: boolean;
  /** Grows with every change of any message. */
  readonly version: number;
}

/** The last minutes, in steps, the oldest first. */
export interface Series {
  readonly stepSeconds: number;
  /** Deliveries and failed attempts a second. */
  readonly delivered: readonly number[];
  readonly failed: readonly number[];
  /** How long attempts took, milliseconds; undefined where there were none. */
  readonly p50: readonly (number | undefined)[];
  readonly p95: readonly (number | undefined)[];
}

/** A request to a target and what came back, for those who look inside. */
export interface Exchange {
  readonly envelope: Envelope;
  readonly target: string;
  readonly attempt: number;
  readonly request: {
    readonly method: string;
    readonly origin: string;
    readonly path: string;
    readonly headers: readonly (readonly [string, string])[];
    readonly body: Uint8Array;
  };
  /** Undefined where none came. */
  readonly response: {
    readonly status: number;
    readonly headers: readonly (readonly [string, string])[];
    /** As much of it as was read and is kept. */
    readonly body: Uint8Array;
    /** How much was read. */
    readonly bytes: number;
  } | undefined;
}

/** Told of every exchange. Must not throw. */
export type Inspect = (exchange: Exchange) => void;

/** Bytes that are shown, and how many there were. */
export interface KeptBody {
  readonly bytes: Uint8Array;
  /** They are the beginning of it. */
  readonly isCut: boolean;
  readonly total: number;
}

export interface KeptRequest {
  /** Method and target of the request line. */
  readonly line: string;
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body: KeptBody;
}

/** A message's requests and responses, without what must not be shown. */
export interface KeptExchanges {
  readonly received: KeptRequest;
  /** The last ones. */
  readonly sent: readonly {
    readonly target: string;
    readonly attempt: number;
    readonly request: KeptRequest;
    readonly response: {
      readonly status: number;
      readonly headers: KeptRequest["headers"];
      readonly body: KeptBody;
    } | undefined;
  }[];
}

/** What a target has to do now; a message that goes to several is at each of them, one that is replayed, too. */
export interface TargetLoad {
  readonly name: string;
  /** Where it is: origin and path. */
  readonly url: string;
  /** Messages in requests under way. */
  readonly inFlight: number;
  /** Messages that wait for its breaker. */
  readonly held: number;
  /** These, and those that wait for a place, for a retry, or for others to go with. */
  readonly waiting: number;
}

/** The settlements that the relay is not known to have; may be asked at any time. */
export interface Unconfirmed {
  readonly size: number;
  /** How long the oldest of them has been so, milliseconds; 0 when there is none. */
  readonly oldestAgeMs: number;
}
