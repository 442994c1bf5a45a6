import { z } from "zod";
import type { TargetSettings } from "./settings.ts";

const targetSchema = z.strictObject({
  url: z.url({ protocol: /^https?$/, error: "use a URL beginning with http: or https:" }),
  method: z.string().regex(/^[A-Za-z]+$/).nullish(),
  headers: z.record(z.string(), z.string()).nullish(),
  timeout_seconds: z.number().positive().nullish(),
  retry_enabled: z.boolean().nullish(),
  retry_max_attempts: z.number().int().min(1).nullish(),
  retry_delay_seconds: z.number().nonnegative().nullish(),
  retry_max_delay_seconds: z.number().positive().nullish(),
  retry_backoff_multiplier: z.number().min(1).nullish(),
  max_concurrent_requests: z.number().int().min(1).nullish(),
  legacy_headers: z.boolean().nullish(),
  verify_ssl: z.boolean().nullish(),
});

/** One target of the file, or what is wrong with it, each line beginning with its path. */
export function readTarget(
  path: string,
  name: string,
  given: unknown,
  legacyHeaders: boolean,
): TargetSettings | string[] {
  const parsed = targetSchema.safeParse(given);
  if (!parsed.success) {
    return parsed.error.issues.map((issue) =>
      `${[path, ...issue.path].join(".")}: ${issue.message}`
    );
  }
  const { data } = parsed;
  return {
    name,
    url: new URL(data.url),
    method: data.method?.toUpperCase(),
    headers: Object.entries(data.headers ?? {}),
    timeoutMs: (data.timeout_seconds ?? 30) * 1000,
    retry: {
      maxAttempts: data.retry_enabled === false ? 1 : data.retry_max_attempts ?? 3,
      delayMs: (data.retry_delay_seconds ?? 1) * 1000,
      maxDelayMs: (data.retry_max_delay_seconds ?? 60) * 1000,
      multiplier: data.retry_backoff_multiplier ?? 2,
    },
    tls: { verify: data.verify_ssl ?? true, ca: undefined, cert: undefined, key: undefined },
    maxConcurrentRequests: data.max_concurrent_requests ?? undefined,
    legacyHeaders: data.legacy_headers ?? legacyHeaders,
  };
}
