import type { Attempt } from "../flow.ts";
import { withoutQuery } from "../protocol/redact.ts";
import { parseRetryAfter } from "../protocol/retry_after.ts";

/** Statuses of the 4xx class that mean "not now" (RFC 9110 section 15.5, RFC 8470, RFC 6585). */
const transient4xx = new Set([408, 425, 429]);

/**
 * What a response means. Only 2xx is success: a redirect is not followed and not success, it usually leads
 * to a login page. 408, 425, 429 and 5xx are worth another try, other 4xx are not.
 */
export function verdictOf(
  status: number,
  headers: Readonly<Record<string, string | string[] | undefined>>,
  nowMs: number,
): Attempt {
  if (status >= 200 && status < 300) return { kind: "delivered", status };
  if (status >= 300 && status < 400) {
    const location = headers["location"];
    const to = typeof location === "string"
      ? ` to ${JSON.stringify(withoutQuery(location).slice(0, 200))}`
      : "";
    return {
      kind: "transient",
      reason: {
        code: "redirect",
        status,
        message: `the target answered ${status}, a redirect${to}; redirects are not followed`,
      },
    };
  }
  const reason = { code: "status", status, message: `the target answered ${status}` } as const;
  if (status >= 400 && status < 500 && !transient4xx.has(status)) {
    return { kind: "permanent", reason };
  }
  const retryAfter = headers["retry-after"];
  const retryAfterMs = typeof retryAfter === "string"
    ? parseRetryAfter(retryAfter, nowMs)
    : undefined;
  return { kind: "transient", reason, ...(retryAfterMs !== undefined && { retryAfterMs }) };
}
