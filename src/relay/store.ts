import type { Clock } from "../async/clock.ts";
import type { Directory } from "./directory.ts";
import type { LaneRule } from "./lane.ts";
import type { ObserveRelay } from "./relay_events.ts";
import type { Envelope } from "../protocol/envelope.ts";
import type { Settlement } from "../protocol/frames.ts";

/** The store can neither be written nor read now; what it had accepted is still there. */
export class StoreUnavailableError extends Error {
  override readonly name = "StoreUnavailableError";
  /** For whom a relay does not start because of it. */
  readonly advice: string | undefined;

  constructor(why: string, cause?: unknown, advice?: string) {
    super(`the store is not available: ${why}`, { cause });
    this.advice = advice;
  }
}

/** The store never takes a message of that size. */
export class MessageTooLargeError extends Error {
  override readonly name = "MessageTooLargeError";
}

/** `unavailable`: it could not be written, and the message comes again. */
export type SettleOutcome = "settled" | "unknown" | "unavailable";

/** A webhook as it came in; the store gives it its sequence. */
export type NewMessage = Omit<Envelope, "sequence" | "deliveryCount">;

export interface StoredMessage {
  readonly envelope: Envelope;
  readonly expiresAt: number;
  /** How often it has been handed out. */
  readonly deliveries: number;
}

/** A delivery that came to nothing. */
export interface FailedDelivery {
  /** When it was known, milliseconds since the epoch. */
  readonly at: number;
  readonly connectorId: string;
  readonly reason: string;
}

export interface DeadLetter {
  readonly message: StoredMessage;
  /** Why it was put away. */
  readonly reason: string;
  readonly at: number;
  /** Its deliveries, the last one included: the newest hundred, or those for which the store has room. */
  readonly history: readonly FailedDelivery[];
}

/** Counts since the store was opened, and what is in it now. */
export interface StoreStats {
  readonly queued: number;
  readonly inFlight: number;
  readonly delivered: number;
  /** They are dead letters then. */
  readonly expired: number;
  /** Without those that expired. */
  readonly deadLettered: number;
  /** Dead letters that had to make room. */
  readonly deadLettersDropped: number;
  /** That are kept now. */
  readonly deadLetters: number;
  /** Receipt time of the oldest message that is not settled, milliseconds since the epoch. */
  readonly oldestAt: number | undefined;
  /** Messages not settled, by webhook id. */
  readonly pendingByWebhookId: ReadonlyMap<string, number>;
}

/**
 * The messages of one channel. Everything is a promise so that a durable store fits. A message is either
 * ready, leased (handed out and not settled), or waiting until a time. Every promise may reject with
 * `StoreUnavailableError`; nothing was changed then.
 */
export interface Store {
  /**
   * Resolves when the message is safe, with its sequence; undefined when the channel is full. What has expired
   * takes no room. Messages are appended in the order in which they expire. May reject with `MessageTooLargeError`.
   */
  append(message: NewMessage, expiresAt: number, now: number): Promise<number | undefined>;
  /**
   * Leases a ready message, or gives undefined. What was handed out before goes first, then the lanes take turns,
   * each in sequence.
   */
  take(now: number): Promise<StoredMessage | undefined>;
  /** Settles for good a message that is not leased: its ack came late. False when it is leased or not there. */
  claim(messageId: string): Promise<boolean>;
  /** Begins the time of a lease anew, where the store keeps one. False when it is not leased. */
  extend(messageId: string): Promise<boolean>;
  /** Settles a leased message for good. False when it is not leased. */
  ack(messageId: string): Promise<boolean>;
  /**
   * Gives a lease back; the message is ready again after `delayMs`, however somebody sets the clock. `why` goes into its
   * history; only what `counts` counts as delivered. False when it is not leased. Does not wait for the disk, nor reject
   * for it: what could not be written makes the message come sooner.
   */
  release(
    messageId: string,
    delayMs: number,
    why?: FailedDelivery,
    counts?: boolean,
  ): Promise<boolean>;
  /** Settles a leased message as undeliverable for what came last. False when it is not leased. */
  bury(messageId: string, failed: FailedDelivery): Promise<boolean>;
  /** Until the next waiting message becomes ready, milliseconds; undefined when none waits. */
  readyInMs(): number | undefined;
  stats(now: number): StoreStats;
  /** Makes dead letters of some of what has expired; resolves with how many. */
  purge(now: number): Promise<number>;
  /** The newest first, until `takes` says no: it is told the bytes of a body before that is read. */
  deadLetters(
    limit: number,
    takes?: (bytes: number) => boolean,
  ): Promise<readonly DeadLetter[]>;
  /** Makes dead letters messages again, with a life of `ttlMs`; resolves with how many. */
  replay(messageIds: readonly string[] | "all", now: number, ttlMs: number): Promise<number>;
  /** Forgets all dead letters; resolves with how many. */
  purgeDeadLetters(): Promise<number>;
  /** Only where several relays share the store. */
  readonly shared?: SharedStore;
}

/** All of them, which takes long where many messages wait; or those without `pendingByWebhookId`. */
export type Statistics = "all" | "totals";

/** What a relay that shares a store with others hears from them, and asks them. */
export interface SharedStore {
  /** From now on `reader` hears of what others stored and gave back, and settles and extends for them. */
  attach(reader: Reader): void;
  /** Has the relay that leased a message settle it; undefined when none has. */
  settleElsewhere(
    settlement: Settlement,
    connectorId: string,
  ): Promise<SettleOutcome | undefined>;
  /** Has the relays that leased these messages extend them; resolves with how many the first to answer has. */
  extendElsewhere(messageIds: readonly string[], connectorId: string): Promise<number>;
  /** Brings the statistics up to what others did. May reject with `StoreUnavailableError`. */
  refresh(which: Statistics): Promise<void>;
}

/** Who gives out what a shared store has. */
export interface Reader {
  /** Somebody is there who takes a message now. */
  readonly hasRoom: boolean;
  /** Something may be ready. */
  wake(): void;
  settle(settlement: Settlement, connectorId: string): Promise<SettleOutcome>;
  extend(messageIds: readonly string[], connectorId: string): Promise<number>;
}

export interface StoreSettings {
  /** Messages not yet settled. */
  readonly maxMessages: number;
  /** Their bodies, bytes. */
  readonly maxBytes: number;
  /** Dead letters kept; beyond it the oldest is dropped. */
  readonly maxDeadLetters: number;
  /** Their bodies, bytes; the same beyond it. */
  readonly maxDeadLetterBytes: number;
  /** How long a lease lasts at the most. */
  readonly ackTimeoutMs: number;
  /** How long a message lasts at the most. */
  readonly ttlMs: number;
  readonly lanes: LaneRule;
}

/** Where the stores of all channels come from. */
export interface Stores {
  readonly name: "memory" | "sqlite" | "jetstream";
  /** The largest body they take; undefined = no bound of their own. */
  readonly maxBodyBytes?: number;
  /** May reject with `StoreUnavailableError`. */
  open(channel: string, settings: StoreSettings): Promise<Store>;
  readonly directory: Directory;
  /** Why nothing can be stored now; undefined when all is well. */
  readonly problem: string | undefined;
  close(): Promise<void>;
}

/** Opens the stores; what they have to tell goes to `tell`. Rejects with `StoreOpenError`. */
export type OpenStores = (tell: ObserveRelay, clock: Clock) => Promise<Stores>;

/** The stores cannot be opened; the message says why. */
export class StoreOpenError extends Error {
  override readonly name = "StoreOpenError";
}
