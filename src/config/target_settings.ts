import { z } from "zod";
import { fieldValue, headerName } from "../protocol/header_field.ts";
import { hopByHopHeaders } from "../protocol/hop_by_hop.ts";
import { redactBy } from "../protocol/redact.ts";
import { allowedTargetsRule, permissionOf } from "./allowed_targets.ts";
import { batchSchema, readBatch } from "./batch_settings.ts";
import type { Report } from "./config_error.ts";
import type { Keys } from "./file_lines.ts";
import type { Values } from "./merge.ts";
import { keysOf } from "./problem_origin.ts";
import { readProxy } from "./proxy.ts";
import { parseWithReferences, schemaProblems } from "./schema_problems.ts";
import { Secret } from "./secret.ts";
import { type TargetSettings, tlsVersions } from "./settings.ts";
import { shown, shownUrl } from "./shown.ts";
import { parseTargetUrl, type TargetPlace, targetUrlRule } from "./target_url.ts";
import { readTls, tlsKeys } from "./tls_settings.ts";
import { valueAt } from "./value_at.ts";

const method = z.string()
  .regex(/^(?!(?:connect|trace)$)[a-z]{1,32}$/i, "use a method, as POST");

/** It would not be sent, and it would be shown wherever the URL is. */
const loginRefused = "must not hold a user name or password: set the header Authorization";

function hasLogin(text: string): boolean {
  const url = URL.parse(text);
  return url !== null && (url.username !== "" || url.password !== "");
}

/** Others belong to the connection, or would say something else than the request is. */
function isSettable(name: string): boolean {
  const lower = name.toLowerCase();
  return !hopByHopHeaders.has(lower) && lower !== "content-length";
}

/** One target in a file. */
export const targetSchema = z.strictObject({
  url: z.string().regex(/^(https?|unix):/i, targetUrlRule)
    .refine((url) => !hasLogin(url), loginRefused).describe(
      "where the webhook is sent, a URL or unix:/PATH/TO/SOCKET:/PATH; the path suffix and query of the webhook are appended",
    ),
  method: method.nullish().describe("instead of the webhook's own method"),
  headers: z.record(
    z.string().regex(headerName, "is no name of a header").refine(
      isSettable,
      "hookferry makes it itself",
    ),
    z.string().regex(
      fieldValue,
      "has characters that no header may have: use those of Latin-1, on one line",
    ),
  ).nullish()
    .describe("sent with every request, in place of the webhook's own of the same name; Host, too"),
  timeout_seconds: z.number().positive().nullish().describe("one attempt (default 30)"),
  retry_enabled: z.boolean().nullish().describe("false = one attempt (default true)"),
  retry_max_attempts: z.number().int().min(1).nullish().describe("attempts in all (default 3)"),
  retry_delay_seconds: z.number().nonnegative().nullish().describe("first wait (default 1)"),
  retry_max_delay_seconds: z.number().positive().nullish().describe("longest wait (default 60)"),
  retry_backoff_multiplier: z.number().min(1).nullish().describe("growth of the wait (default 2)"),
  max_concurrent_requests: z.number().int().min(1).nullish()
    .describe("deliveries at a time to this target (default: the overall limit)"),
  legacy_headers: z.boolean().nullish().describe("also send X-Original-* headers"),
  name: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._/-]{0,127}$/, "use letters, digits and . _ / -")
    .nullish().describe("its name in logs and metrics (default: the webhook id)"),
  breaker: z.strictObject({
    consecutive_failures: z.number().int().min(0).nullish()
      .describe("failures in a row that open it; 0 = never (default 10)"),
    failure_rate: z.number().positive().max(1).nullish()
      .describe("share of failures that opens it (default 0.5)"),
    window: z.number().int().min(2).max(10_000).nullish()
      .describe("attempts over which the share is taken (default 50)"),
    open_seconds: z.number().positive().nullish().describe(
      "then one probe is let through (default 5)",
    ),
    max_open_seconds: z.number().positive().nullish()
      .describe("longest wait after probes that failed (default 60)"),
    max_held: z.number().int().min(0).nullish()
      .describe("messages that wait here while it is open (default 10); the relay keeps the rest"),
  }).nullish().describe("keeps attempts away from a target that fails"),
  verify_ssl: z.boolean().nullish().describe("verify the target's certificate (default true)"),
  ca_cert_path: z.string().min(1).nullish().describe("CA file for the target, added to the roots"),
  client_cert_path: z.string().min(1).nullish().describe("client certificate for the target"),
  client_key_path: z.string().min(1).nullish().describe("its key"),
  client_key_passphrase: z.string().min(1).nullish().describe("its passphrase"),
  tls_server_name: z.string().min(1).nullish()
    .describe("the name in the target's certificate (default: the URL's host)"),
  tls_min_version: z.enum(tlsVersions).nullish().describe("least version (default tls1.2)"),
  proxy: z.string().min(1).nullish().describe(
    "the way to the target: http://[USER:PASSWORD@]HOST:PORT, or none (default: HTTPS_PROXY and its kin)",
  ),
  batch: batchSchema.nullish().describe("several messages in one request: docs/BATCH.md"),
});

const defaults = {
  timeoutSeconds: 30,
  maxAttempts: 3,
  delaySeconds: 1,
  maxDelaySeconds: 60,
  multiplier: 2,
};

const notOfSockets = [
  ...["verify_ssl", "ca_cert_path", "client_cert_path", "client_key_path"] as const,
  ...["client_key_passphrase", "tls_server_name", "tls_min_version", "proxy"] as const,
];

const breakerDefaults = {
  consecutive_failures: 10,
  failure_rate: 0.5,
  window: 50,
  open_seconds: 5,
  max_open_seconds: 60,
  max_held: 10,
};

/** One target; undefined when something is wrong with it, which is reported with its path. */
export function readTarget(
  { path, name, given, values }: {
    /** Where it stands: "targets.orders". */
    readonly path: string;
    readonly name: string;
    readonly given: unknown;
    readonly values: Values;
  },
  report: Report,
): TargetSettings | undefined {
  const written = (inside: Keys) =>
    values.writtenInTarget([...keysOf(path, values.file.content), ...inside]);
  const redact = redactBy(values.get("inspect_redact"));
  const told = (inside: Keys) => {
    const text = written(inside) ?? valueAt(given, inside);
    return inside[0] === "url" && typeof text === "string"
      ? shownUrl(text, redact)
      : written(inside);
  };
  const parsed = parseWithReferences(targetSchema, given, written);
  if (!parsed.success) {
    for (const problem of schemaProblems(targetSchema, given, parsed.error, told)) {
      report(`${path}${problem}`);
    }
    return undefined;
  }
  const { data } = parsed;
  const place = parseTargetUrl(data.url);
  if (!place) return void report(`${path}.url: ${shown(told(["url"]))}: ${targetUrlRule}`);
  if (place.socketPath !== undefined) {
    for (const key of notOfSockets) {
      if (data[key] !== undefined && data[key] !== null) {
        report(`${path}.${key}: has no meaning for a Unix socket`);
      }
    }
  }
  const way = place.socketPath === undefined
    ? readProxy(place.url, data.proxy ?? undefined, values.env, `${path}.proxy`, report)
    : { proxy: undefined, proxyReason: "a Unix socket" };
  if (!way) return undefined;
  const allowedNetworks = readAllowed(
    place,
    way.proxy !== undefined,
    values.get("allowed_targets"),
    path,
    report,
  );
  return {
    name: data.name ?? name,
    ...place,
    ...way,
    allowedNetworks,
    method: data.method?.toUpperCase(),
    headers: Object.entries(data.headers ?? {}),
    timeoutMs: (data.timeout_seconds ?? defaults.timeoutSeconds) * 1000,
    retry: {
      maxAttempts: data.retry_enabled === false
        ? 1
        : data.retry_max_attempts ?? defaults.maxAttempts,
      delayMs: (data.retry_delay_seconds ?? defaults.delaySeconds) * 1000,
      maxDelayMs: (data.retry_max_delay_seconds ?? defaults.maxDelaySeconds) * 1000,
      multiplier: data.retry_backoff_multiplier ?? defaults.multiplier,
    },
    breaker: readBreaker(data.breaker ?? {}),
    tls: readTls(
      {
        verify: data.verify_ssl ?? true,
        caPath: data.ca_cert_path ?? undefined,
        certPath: data.client_cert_path ?? undefined,
        keyPath: data.client_key_path ?? undefined,
        passphrase: data.client_key_passphrase ? new Secret(data.client_key_passphrase) : undefined,
        serverName: data.tls_server_name ?? undefined,
        minVersion: data.tls_min_version ?? undefined,
      },
      tlsKeys(`${path}.`),
      report,
    ),
    maxConcurrentRequests: data.max_concurrent_requests ?? undefined,
    legacyHeaders: data.legacy_headers ?? values.get("legacy_headers"),
    batch: data.batch ? readBatch(data.batch) : undefined,
  };
}

/** Reports a target that is not where it may be. What its addresses must be in, where its name alone does not decide. */
function readAllowed(
  place: TargetPlace,
  isProxied: boolean,
  allowed: string | undefined,
  path: string,
  report: Report,
): readonly string[] | undefined {
  const permission = allowed === undefined || permissionOf(place, allowed);
  if (permission === true) return undefined;
  if (typeof permission === "string") {
    return void report(
      `allowed_targets: ${JSON.stringify(permission)} cannot be read: use ${allowedTargetsRule}`,
    );
  }
  const where = `${path}.url: ${JSON.stringify(place.origin)}`;
  if (permission === false) return void report(`${where} is not in allowed_targets`);
  if (!isProxied) return permission.networks;
  return void report(
    `${where} is reached through a proxy, so its address cannot be held against allowed_targets: name its host there`,
  );
}

function readBreaker(
  given: NonNullable<z.infer<typeof targetSchema>["breaker"]>,
): TargetSettings["breaker"] {
  const or = (key: keyof typeof breakerDefaults) => given[key] ?? breakerDefaults[key];
  return {
    consecutiveFailures: or("consecutive_failures"),
    failureRate: or("failure_rate"),
    window: or("window"),
    openMs: or("open_seconds") * 1000,
    maxOpenMs: Math.max(or("max_open_seconds"), or("open_seconds")) * 1000,
    maxHeld: or("max_held"),
  };
}
