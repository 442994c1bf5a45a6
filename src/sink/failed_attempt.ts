import type { TargetSettings } from "../config/settings.ts";
import type { Attempt } from "../flow.ts";
import { networkFailure } from "../runtime/network_failure.ts";
import { UnsendableError } from "./request.ts";

/** What a request came to that had no answer. */
export function failedAttempt(error: unknown, timedOut: boolean, target: TargetSettings): Attempt {
  if (error instanceof UnsendableError) {
    return { kind: "permanent", reason: { code: "bad_request", message: error.message } };
  }
  if (timedOut) {
    const message = `the target did not answer within ${target.timeoutMs / 1000} s`;
    return { kind: "transient", reason: { code: "timeout", message } };
  }
  const { code, message } = networkFailure(error);
  return {
    kind: "transient",
    reason: { code, message: `cannot reach ${target.origin}: ${message}` },
  };
}
