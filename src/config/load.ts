import { channelNameRule, isChannelName } from "../protocol/channel_name.ts";
import { checkBatchWindow } from "./batch_settings.ts";
import { ConfigError, type Report } from "./config_error.ts";
import { parseListen } from "./listen_address.ts";
import { type Layers, mergeLayers, type Values } from "./merge.ts";
import type { OptionKey } from "./options.ts";
import type { ListenAddress, Settings, TargetSettings } from "./settings.ts";
import { readSourceUrl } from "./source_url.ts";
import { readTarget } from "./target_settings.ts";
import { readTls, tlsKeys } from "./tls_settings.ts";
import { readToken } from "./token.ts";
import { configWarnings } from "./warnings.ts";

export interface Loaded {
  readonly settings: Settings;
  readonly values: Values;
  /** What works but should be looked at, one line each. */
  readonly warnings: readonly string[];
}

/** The settings that the layers come to. Throws `ConfigError` with all that is wrong. */
export function loadSettings(layers: Layers): Loaded {
  const problems: string[] = [];
  const report: Report = (problem) => problems.push(problem);
  const values = mergeLayers(layers, report);

  const url = required(
    "cloud_url",
    (given) => readSourceUrl(given, values.get("allow_insecure")),
  );
  const channel = required(
    "channel",
    (given) => isChannelName(given) ? { name: given } : `use ${channelNameRule}`,
  );
  if (values.get("max_reconnect_delay") < values.get("reconnect_delay")) {
    report("max_reconnect_delay: must not be less than reconnect_delay");
  }
  const token = readToken(values, report);
  const tls = readTls(
    {
      verify: values.get("verify_ssl"),
      caPath: values.get("ca_cert_path"),
      certPath: values.get("client_cert_path"),
      keyPath: values.get("client_key_path"),
    },
    tlsKeys(""),
    report,
  );
  const statusListen = readStatusListen(values, report);
  const { defaultTarget, targets } = readTargets(layers.file?.content ?? {}, values, report);
  if (!defaultTarget && targets.size === 0 && problems.length === 0) {
    report("no target: set default_target, targets, CONNECTOR_TARGET_URL or --target-url");
  }
  if (problems.length > 0 || !url || !channel || !token) throw new ConfigError(problems);

  const settings: Settings = {
    source: {
      url,
      channel: channel.name,
      token,
      connectorId: values.get("connector_id"),
      protocol: values.get("protocol"),
      tls,
      reconnectDelayMs: values.ms("reconnect_delay"),
      maxReconnectDelayMs: values.ms("max_reconnect_delay"),
      reconnectBackoffMultiplier: values.get("reconnect_backoff_multiplier"),
      maxConnectAttempts: values.get("max_connect_attempts"),
      heartbeatTimeoutMs: values.ms("heartbeat_timeout"),
      connectionTimeoutMs: values.ms("connection_timeout"),
      pollTimeoutMs: values.ms("poll_timeout"),
      ackTimeoutMs: values.ms("ack_timeout"),
      fallbackRetryMs: values.ms("fallback_retry"),
    },
    defaultTarget,
    targets,
    delivery: {
      maxConcurrentRequests: values.get("max_concurrent_requests"),
      maxQueueMessages: values.get("max_queue_messages"),
      maxQueueBytes: values.get("max_queue_bytes"),
      shutdownGraceMs: values.ms("shutdown_grace_seconds"),
      dedupMaxMessages: values.get("dedup_max_messages"),
      dedupWindowMs: values.ms("dedup_window"),
    },
    log: { level: values.get("log_level"), format: values.get("log_format") },
    statusListen,
    exitOnAuthFailure: values.get("exit_on_auth_failure"),
  };
  return { settings, values, warnings: configWarnings(settings, values, layers) };

  function required<T extends object>(
    key: "cloud_url" | "channel",
    read: (given: string) => T | string,
  ): T | undefined {
    const given = values.get(key);
    if (given === undefined) {
      if (!problems.some((problem) => problem.startsWith(`${key}:`))) {
        report(`${key}: is required`);
      }
      return undefined;
    }
    const value = read(given);
    if (typeof value === "object") return value;
    report(`${key}: ${quoted(values, key)}: ${value}`);
    return undefined;
  }
}

function quoted(values: Values, key: OptionKey): string {
  const found = values.origin(key);
  return `${JSON.stringify(found?.value)} from ${found?.origin}`;
}

function readStatusListen(values: Values, report: Report): ListenAddress | undefined {
  const given = values.get("status_listen");
  if (given.toLowerCase() === "off") return undefined;
  const address = parseListen(given);
  if (!address) {
    report(`status_listen: ${quoted(values, "status_listen")} is neither HOST:PORT nor off`);
  }
  return address;
}

interface Targets {
  readonly defaultTarget: TargetSettings | undefined;
  readonly targets: ReadonlyMap<string, TargetSettings>;
}

function readTargets(
  file: Readonly<Record<string, unknown>>,
  values: Values,
  report: Report,
): Targets {
  const legacyHeaders = values.get("legacy_headers");
  const url = values.get("target_url");
  const method = values.get("target_method");
  const timeout = values.get("target_timeout");
  const overrides = {
    ...(method !== undefined && { method }),
    ...(timeout !== undefined && { timeout_seconds: timeout }),
  };
  const window = {
    maxMessages: values.get("max_queue_messages"),
    maxBytes: values.get("max_queue_bytes"),
  };
  const read = (path: string, name: string, given: unknown) => {
    const target = readTarget({ path, name, given, legacyHeaders }, report);
    if (target?.batch) checkBatchWindow(path, target.batch, window, report);
    return target;
  };
  let defaultTarget: TargetSettings | undefined;
  const inFile = file["default_target"] ?? undefined;
  if (url !== undefined) {
    // Another URL is another target: its headers, which may be secrets, stay with the one in the file.
    defaultTarget = read("target_url", "default", { url, ...overrides });
  } else if (inFile !== undefined) {
    const given = typeof inFile === "object" ? { ...inFile, ...overrides } : inFile;
    defaultTarget = read("default_target", "default", given);
  }
  const targets = new Map<string, TargetSettings>();
  const named = file["targets"] ?? {};
  if (typeof named !== "object" || Array.isArray(named)) {
    report("targets: must be an object of webhook id and target");
    return { defaultTarget, targets };
  }
  for (const [id, given] of Object.entries(named)) {
    const one = read(`targets.${id}`, id, given);
    if (one) targets.set(id, one);
  }
  return { defaultTarget, targets };
}
