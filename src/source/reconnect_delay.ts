import { backoffMs, type BackoffPolicy } from "../async/backoff.ts";
import type { Random } from "../async/clock.ts";
import type { StreamFailure } from "../flow.ts";

/** A relay that asked for some time is given it and up to this share more, so that not all come back at once. */
const retryAfterJitter = 0.2;

/** No relay is left alone for longer, whatever it asks: it may be wrong, or not be the relay. */
export const maxAskedMs = 3_600_000;

/** How long to wait before the next attempt, milliseconds. `attempt` counts the failures in a row from 0. */
export function reconnectDelayMs(
  failure: StreamFailure | undefined,
  attempt: number,
  policy: BackoffPolicy,
  random: Random,
): number {
  const delayMs = failure?.failureClass === "rejected"
    // A refused token is not mended by asking often, but a relay of the old kind refuses a channel
    // that has not had its first webhook yet: go on, slowly.
    ? policy.capMs * (0.25 + 0.25 * random())
    : backoffMs(policy, attempt, random);
  const asked = failure?.retryAfterMs;
  if (asked === undefined) return delayMs;
  return Math.max(delayMs, Math.min(asked, maxAskedMs) * (1 + retryAfterJitter * random()));
}
