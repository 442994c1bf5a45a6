import type { KeptExchanges, RecentMessage } from "../../observe/picture.ts";

/** What the live view shows, asked whenever it draws. */
export interface LivePicture {
  /** What it connects, and where, a line each: "orders at relay.example". */
  readonly titles: readonly string[];
  /** Undefined = not connected. */
  readonly transport: string | undefined;
  /** For how long it is connected, or not, milliseconds. */
  readonly sinceMs: number;
  /** Why it is not connected. */
  readonly trouble: string | undefined;
  readonly isPaused: boolean;
  readonly isDraining: boolean;
  /** Messages in hand. */
  readonly inFlight: number;
  /** Delivered a second, over the last seconds. */
  readonly perSecond: number;
  readonly delivered: number;
  /** Messages that were not delivered: refused, or all attempts used up. */
  readonly failed: number;
  readonly deadLetters: number;
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** The newest first. */
  readonly messages: readonly RecentMessage[];
}

export interface LiveSource {
  picture(): LivePicture;
  /** "off" = requests and responses are not kept. */
  exchanges(messageId: string): KeptExchanges | "off" | undefined;
}

/** What its keys do. */
export interface LiveActions {
  /** Resolves with what became of it, for people. */
  replay(messageId: string): Promise<string>;
  pause(): void;
  resume(): void;
  /** The first time it drains, the second time it stops at once. */
  stop(): void;
}
