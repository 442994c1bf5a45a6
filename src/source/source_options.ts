import type { BackoffPolicy } from "../async/backoff.ts";
import type { Clock, Random } from "../async/clock.ts";
import type { Finished, TransportChoice } from "../flow.ts";
import type { Observe } from "../observe/events.ts";
import type { Unconfirmed } from "../observe/picture.ts";
import type { Pause } from "./pause.ts";
import type { Relink } from "./relink.ts";

/** How the relay is reached. */
export interface WayToRelay {
  readonly transports: TransportChoice;
  readonly backoff: BackoffPolicy;
  /** No byte for this long = the connection is dead. */
  readonly heartbeatTimeoutMs: number;
  readonly connectionTimeoutMs: number;
  /** Closes the connections that wait for the next request. */
  readonly dropIdle: () => void;
  /** What the relay has not confirmed after so long is told again. */
  readonly ackTimeoutMs: number;
  /** How long to stay on a lesser transport before a better one is tried again. */
  readonly fallbackRetryMs: number;
  /** Failures in a row after which the last is thrown; 0 = try for ever. */
  readonly maxConnectAttempts: number;
  /** Throw the relay's refusal of the token instead of trying again. */
  readonly exitOnRejected: boolean;
}

export interface SourceOptions {
  /** As the settings have it now: what changes counts from the next connection on. */
  readonly way: () => WayToRelay;
  /** Called for any bytes from the relay, with when that was, on the clock that never jumps. */
  readonly onHeard: (at: number) => void;
  readonly pause: Pause;
  /** Told when `way` or the token are others now. */
  readonly relink?: Relink;
  /** The relay does not accept the token; resolves with true when there is another one to try. */
  readonly renewToken?: () => Promise<boolean>;
  /** What an earlier process finished and the relay is not known to have been told. */
  readonly untold: readonly Finished[];
  /** The relay is now known to have been told of these. */
  readonly onConfirmed: (messageIds: readonly string[]) => void;
  /** Called once, when it begins. */
  readonly tellUnconfirmed?: (unconfirmed: Unconfirmed) => void;
  readonly clock: Clock;
  readonly random: Random;
  readonly observe: Observe;
}
