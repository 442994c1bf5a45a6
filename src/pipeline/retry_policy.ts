import type { Random } from "../async/clock.ts";
import type { RetrySettings } from "../config/settings.ts";
import type { Attempt } from "../flow.ts";

export type RetryDecision =
  | { readonly kind: "retry"; readonly delayMs: number }
  /** `delayMs`: what the next wait would have been, for whoever gives the message back. */
  | { readonly kind: "give_up"; readonly delayMs: number };

/**
 * What follows attempt number `attempt` (from 1) that failed for now. The delay doubles (or as configured)
 * up to its cap and is jittered over its upper half. A `Retry-After` longer than that is honoured up to the cap.
 */
export function afterTransient(
  attempt: number,
  result: Extract<Attempt, { kind: "transient" }>,
  retry: RetrySettings,
  random: Random,
): RetryDecision {
  const ceilingMs = Math.min(
    retry.maxDelayMs,
    retry.delayMs * retry.multiplier ** Math.min(attempt - 1, 64),
  );
  const backoffMs = ceilingMs / 2 + random() * (ceilingMs / 2);
  const delayMs = Math.max(backoffMs, Math.min(result.retryAfterMs ?? 0, retry.maxDelayMs));
  return { kind: attempt < retry.maxAttempts ? "retry" : "give_up", delayMs };
}
