import type { Envelope } from "./envelope.ts";

/** What both of our ends can do beyond the old protocol. Nothing is used that the relay did not answer. */
export type Capability =
  | "exact-body"
  | "binary-body"
  | "ack-batch"
  | "ack-confirm"
  | "drain"
  | "extend"
  | "resume";

export const allCapabilities: readonly Capability[] = [
  "exact-body",
  "binary-body",
  "ack-batch",
  "ack-confirm",
  "drain",
  "extend",
  "resume",
];

/** What the relay says. `unknown` and `malformed` are what it should not have said: both are ignored and counted. */
export type RelayFrame =
  | {
    readonly type: "connected";
    readonly connectionId: string;
    readonly channel: string;
    readonly capabilities: readonly Capability[];
    readonly maxMessageBytes?: number;
    /** How long a message may be unsettled before the relay gives it out again, where the relay tells. */
    readonly ackTimeoutMs?: number;
    /** Messages waiting in the channel and the age of the oldest, where the relay tells. */
    readonly waiting?: { readonly messages: number; readonly oldestAgeMs: number };
  }
  | { readonly type: "webhook"; readonly envelope: Envelope }
  | { readonly type: "heartbeat" }
  | { readonly type: "settled"; readonly messageIds: readonly string[] }
  | { readonly type: "goodbye" }
  | { readonly type: "error"; readonly error: string }
  | { readonly type: "unknown"; readonly name: string }
  | { readonly type: "malformed"; readonly problem: string; readonly messageId?: string };

/** What the relay is told about one message. */
export type Settlement =
  | { readonly messageId: string; readonly connectionId: string; readonly verdict: "ack" }
  | {
    readonly messageId: string;
    readonly connectionId: string;
    readonly verdict: "nack";
    /** true = give it out again later, false = dead letter. */
    readonly retry: boolean;
    readonly delayMs?: number;
    readonly reason?: string;
    /** false = given back untried, or while its target is down: it does not count as delivered. Absent = true. */
    readonly attempted?: boolean;
  };

/** What the connector says. */
export type ConnectorFrame =
  | { readonly type: "settle"; readonly settlements: readonly Settlement[] }
  | { readonly type: "heartbeat" }
  /** This connection, `connectionId`, is to get nothing more. */
  | { readonly type: "drain"; readonly connectionId: string }
  /** These are still in hand: their ack timeout is to begin anew. `connectionId` is one they came by. */
  | Extension;

export interface Extension {
  readonly type: "extend";
  readonly messageIds: readonly string[];
  readonly connectionId: string;
  /** The first that is said over a connection (`resume`): nothing else of ended connections is in hand. */
  readonly isAll?: boolean;
}
