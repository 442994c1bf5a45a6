import type { Random } from "./clock.ts";

export interface BackoffPolicy {
  /** The ceiling of the first delay, milliseconds. */
  readonly baseMs: number;
  /** No delay is longer, milliseconds. */
  readonly capMs: number;
  /** Each ceiling is the one before times this. */
  readonly multiplier: number;
  /** No delay is shorter, milliseconds. */
  readonly floorMs: number;
}

/**
 * The delay before try `attempt` (0 = the first retry): exponential with full jitter, that is evenly
 * distributed between the floor and the ceiling of this attempt, so that a thousand clients that
 * lost the same server do not come back together.
 */
export function backoffMs(policy: BackoffPolicy, attempt: number, random: Random): number {
  const ceiling = Math.min(
    policy.capMs,
    policy.baseMs * policy.multiplier ** Math.min(attempt, 64),
  );
  const floor = Math.min(policy.floorMs, ceiling);
  return floor + random() * (ceiling - floor);
}
