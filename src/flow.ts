/**
 * START HERE: the types a webhook flows through, in the order it meets them.
 *
 *   Transport (one attempt to reach the relay) → Connection (frames) → Source (deliveries; reconnecting
 *   hides inside) → dedup → budget → order → Journal → for each target: breaker → Sink (one attempt) → retry
 *   policy → Outcome → Journal → settle()
 *
 * Data goes one way; the only way back is the `settle` of the delivery. The files: docs/ARCHITECTURE.md.
 */
import type { Envelope } from "./protocol/envelope.ts";
import type { ConnectorFrame, RelayFrame } from "./protocol/frames.ts";
import type { Reason, StreamFailureClass } from "./protocol/reason.ts";

export type { Envelope } from "./protocol/envelope.ts";
export type { ConnectorFrame, RelayFrame, Settlement } from "./protocol/frames.ts";
export type { Reason, ReasonCode, StreamFailureClass } from "./protocol/reason.ts";

/** Two ways to end: `drain` = take nothing new, finish what is in hand; `abort` = stop now. */
export interface Lifetime {
  readonly drain: AbortSignal;
  readonly abort: AbortSignal;
}

/** `smee`: a stream of another kind of relay, which takes nothing back. */
export type TransportName = "websocket" | "sse" | "long_poll" | "smee";

/** What a transport is given for one connection. */
export interface Link {
  /** Aborted when this connection must end; its reason tells why. The socket is then really closed. */
  readonly abort: AbortSignal;
  /** To be called for any bytes from the relay: they are the sign of life. */
  heard(): void;
  /** To be called when nothing is listened to any more: silence is no sign of death then. */
  pause(): void;
}

/** One way to reach the relay. Tries once; whoever wants another try calls again. */
export interface Transport {
  readonly name: TransportName;
  /** Rejects with a `StreamFailure` when there is no connection to be had. */
  connect(link: Link): Promise<Connection>;
}

/** Which transport to use next: the preferred one, or a lesser one that gets through. */
export interface TransportChoice {
  readonly current: Transport;
  /** Those preferred to the current one, best first. */
  readonly better: readonly Transport[];
  /** The kind of stream did not get through: changes `current` where there is another to try. */
  blocked(): "next" | "wrapped" | "only_one";
  /** A preferred one has been found to work again. */
  climbTo(transport: Transport): void;
}

/** Some settlements did not reach the relay; those in `taken` did. The others are to be sent again. */
export class SettlementsUnsent extends Error {
  override readonly name = "SettlementsUnsent";
  readonly taken: readonly string[];

  constructor(taken: readonly string[], cause: Error) {
    super(cause.message, { cause });
    this.taken = taken;
  }
}

/** An open stream. Iterating ends when the relay closes it and throws a `StreamFailure` when it breaks. */
export interface Connection extends AsyncIterable<RelayFrame>, AsyncDisposable {
  /**
   * Resolves with the ids of the messages whose settlement the relay is now known to have. Those it
   * confirms later come as `settled` frames. A `drain` over long poll resolves when what was on its way has been read,
   * which somebody must be doing. Rejects with `SettlementsUnsent` or with the network's error.
   */
  send(frame: ConnectorFrame): Promise<readonly string[]>;
}

/** The stream could not be opened, or broke. The message says what, where and why in one line. */
export class StreamFailure extends Error {
  override readonly name = "StreamFailure";
  readonly failureClass: StreamFailureClass;
  readonly status: number | undefined;
  /** How long the relay asked to be left alone, milliseconds. */
  readonly retryAfterMs: number | undefined;

  constructor(
    failureClass: StreamFailureClass,
    message: string,
    { status, retryAfterMs, cause }: { status?: number; retryAfterMs?: number; cause?: unknown } =
      {},
  ) {
    super(message, { cause });
    this.failureClass = failureClass;
    this.status = status;
    this.retryAfterMs = retryAfterMs;
  }
}

/** One webhook in hand, and the way to say what became of it. Must be settled exactly once. */
export interface Delivery {
  readonly envelope: Envelope;
  settle(outcome: Outcome): void;
}

/** Deliveries until drained or aborted; ends when everything it gave out is settled and the relay told. */
export type Source = (life: Lifetime) => AsyncIterable<Delivery>;

/** What one try came to. `request`: the one that several messages share; `failed` when each of them is to come again. */
export type Attempt =
  & { readonly request?: { readonly failed: boolean } }
  & (
    | { readonly kind: "delivered"; readonly status: number }
    | NotTaken & { readonly kind: "transient"; readonly retryAfterMs?: number }
    | NotTaken & { readonly kind: "permanent" }
  );

interface NotTaken {
  readonly reason: Reason;
  /** The beginning of what the target answered. */
  readonly response?: Uint8Array;
}

/** Sends once. Never retries, and never sends the same request twice. */
export interface Sink extends AsyncDisposable {
  /** `attempt` counts from 1. Rejects only with the signal's reason. */
  send(envelope: Envelope, attempt: number, abort: AbortSignal): Promise<Attempt>;
}

/**
 * The end of a delivery. `delivered` → ACK; `rejected` → NACK without retry (dead letter); the others → NACK with
 * retry: the relay gives the message out again, after `delayMs` where there is one. `deferred`: until its target can
 * take it, as if it had never been given out; `abandoned`: cut short by the end of the connector.
 */
export type Outcome =
  | { readonly kind: "delivered" }
  | { readonly kind: "rejected"; readonly reason: Reason }
  | { readonly kind: "exhausted"; readonly reason: Reason; readonly delayMs: number }
  | { readonly kind: "deferred"; readonly reason: Reason; readonly delayMs: number }
  | {
    readonly kind: "abandoned";
    readonly reason: Reason;
    /** False when no target that has not got it was asked, or only failing ones: as if it had never been given out. */
    readonly attempted: boolean;
    /** Where another of its targets said it. */
    readonly delayMs?: number;
  };

/** A message that a target could not be given, kept with what is known of the last attempt. */
export interface DeadLetter {
  readonly envelope: Envelope;
  /** The target's name; "" when none was asked. */
  readonly target: string;
  readonly reason: Reason;
  readonly attempts: number;
  /** The beginning of the target's last response, where there was one. */
  readonly response: Uint8Array | undefined;
}

/** What a list shows of a letter: everything but the bytes. */
export interface LetterSummary extends Pick<DeadLetter, "target" | "attempts" | "reason"> {
  readonly messageId: string;
  readonly webhookId: string;
  /** When it was put away, milliseconds since the epoch. */
  readonly at: number;
  /** Of the body. */
  readonly bytes: number;
}

/** How a message ended, and the dead letters to be kept of it before anything is settled. */
export interface Conclusion {
  readonly outcome: Outcome;
  /** The targets that have it. */
  readonly deliveredTo: readonly string[];
  readonly deadLetters: readonly DeadLetter[];
}

/** A message that came to its end, and whether the relay is known to have been told. */
export interface Finished {
  readonly messageId: string;
  readonly outcome: Extract<Outcome, { kind: "delivered" | "rejected" }>;
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly confirmed: boolean;
}

/**
 * What outlives the process. Promises resolve when a crash can no longer undo what was written, and reject with
 * `JournalUnavailable` when it could not be; what returns nothing is written with the next group.
 */
export interface Journal {
  /** How often the process ended without a goodbye while an attempt at this message was under way. */
  crashesOf(messageId: string): number;
  /** An attempt is about to begin. */
  begin(messageId: string): Promise<void>;
  /** Of several targets this one has the message. */
  deliveredTo(messageId: string, target: string): Promise<void>;
  /** Of several targets those that need no more attempts: they have it, or a dead letter was kept for the reason. */
  settledTargets(messageId: string): ReadonlyMap<string, "delivered" | Reason>;
  /**
   * Remembers the outcome and keeps the dead letters; the message is no longer in hand. When it is to come again,
   * the targets of the dead letters need no more attempts.
   */
  finish(messageId: string, conclusion: Conclusion): Promise<void>;
  /** The relay has been told. */
  confirm(messageIds: readonly string[]): void;
  /** These need no longer be remembered. */
  forget(messageIds: readonly string[]): void;
}

/** The journal can neither be written nor read now. */
export class JournalUnavailable extends Error {
  override readonly name = "JournalUnavailable";

  constructor(why: string, cause?: unknown) {
    super(`the journal is not available: ${why}`, { cause });
  }
}
