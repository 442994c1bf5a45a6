import type { Random } from "../async/clock.ts";
import type { RetrySettings } from "../config/settings.ts";
import type { Attempt } from "../flow.ts";

/**
 * How long to wait after attempt number `attempt` (from 1) that failed for now, milliseconds. The delay doubles (or as
 * configured) up to its cap and is jittered over its upper half. A `Retry-After` longer than that is honoured up to
 * the cap.
 */
export function retryDelay(
  attempt: number,
  result: Extract<Attempt, { kind: "transient" }>,
  retry: RetrySettings,
  random: Random,
): number {
  const ceilingMs = Math.min(
    retry.maxDelayMs,
    retry.delayMs * retry.multiplier ** Math.min(attempt - 1, 64),
  );
  const backoffMs = ceilingMs / 2 + random() * (ceilingMs / 2);
  return Math.max(backoffMs, Math.min(result.retryAfterMs ?? 0, retry.maxDelayMs));
}
