import { ConfigError, type Report } from "./config_error.ts";
import { readIdentity } from "./identity.ts";
import { isOff, parseListen } from "./listen_address.ts";
import { type Layers, mergeLayers, type Values } from "./merge.ts";
import { filesOf } from "./read_files.ts";
import { withOrigin } from "./problem_origin.ts";
import type { ListenAddress, Settings } from "./settings.ts";
import { orderingRule, parseOrdering } from "../protocol/ordering.ts";
import { readProxy } from "./proxy.ts";
import { Secret } from "./secret.ts";
import { checkSmee, isSmee } from "./smee_source.ts";
import { readRoutes } from "./routes.ts";
import { readRelayTls } from "./tls_settings.ts";
import { headerSlip, readToken } from "./token.ts";
import { configWarnings } from "./warnings.ts";

export interface Loaded {
  readonly settings: Settings;
  readonly values: Values;
  /** What works but should be looked at, one line each. */
  readonly warnings: readonly string[];
  /** What was read. */
  readonly files: readonly string[];
}

/** The settings that the layers come to. Throws `ConfigError` with all that is wrong. */
export function loadSettings(layers: Layers): Loaded {
  const problems: string[] = [];
  const values = mergeLayers(layers, (problem) => problems.push(problem));
  const report: Report = (problem) => problems.push(withOrigin(problem, values));

  const { url, channel, connectorId, protocol, journal } = readIdentity(values, problems);
  if (isSmee(values)) checkSmee(values, report);
  if (values.get("max_reconnect_delay") < values.get("reconnect_delay")) {
    report("max_reconnect_delay: must not be less than reconnect_delay");
  }
  const token = isSmee(values) ? new Secret("") : readToken(values, report);
  const tls = readRelayTls(values, report);
  const way = url && readProxy(url, values.get("proxy")?.reveal(), values.env, "proxy", report);
  const statusListen = readStatusListen(values, report);
  const statusToken = values.get("status_token");
  const slip = statusToken && headerSlip(statusToken.reveal());
  if (slip !== undefined) report(`status_token: ${slip}`);
  const ordering = parseOrdering(values.get("ordering"));
  if (!ordering) report(`ordering: ${values.quoted("ordering")}: use ${orderingRule}`);
  const { defaultRoute, routes } = readRoutes(values, report);
  const files = [...(layers.file ? [layers.file.path] : []), ...filesOf(values)];
  if (problems.length > 0 || !url || !channel || !token || !way || !ordering || !journal) {
    throw new ConfigError(problems, files);
  }

  const settings: Settings = {
    source: {
      url,
      channel,
      token,
      connectorId,
      protocol,
      tls,
      ...way,
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
    defaultRoute,
    routes,
    delivery: {
      maxConcurrentRequests: values.get("max_concurrent_requests"),
      maxQueueMessages: values.get("max_queue_messages"),
      maxQueueBytes: values.get("max_queue_bytes"),
      shutdownGraceMs: values.ms("shutdown_grace_seconds"),
      dedupMaxMessages: values.get("dedup_max_messages"),
      dedupWindowMs: values.ms("dedup_window"),
      ordering,
      maxLaneMessages: values.get("max_lane_messages"),
      onExhausted: isSmee(values) ? "dead_letter" : values.get("on_exhausted"),
      keepsAll: isSmee(values),
      poisonAfter: values.get("poison_after"),
    },
    journal,
    deadLetters: {
      maxLetters: values.get("dead_letter_max_messages"),
      maxBytes: values.get("dead_letter_max_bytes"),
    },
    log: {
      level: values.get("log_level"),
      format: values.get("log_format"),
      payload: values.get("log_payload"),
    },
    output: values.get("output"),
    statusListen,
    statusToken,
    redact: values.get("inspect_redact"),
    inspect: values.get("inspect")
      ? { maxMessages: values.get("inspect_max_messages") }
      : undefined,
    exitOnAuthFailure: values.get("exit_on_auth_failure"),
  };
  return {
    settings,
    values,
    warnings: configWarnings(settings, values, layers),
    files,
  };
}

function readStatusListen(values: Values, report: Report): ListenAddress | undefined {
  const given = values.get("status_listen");
  if (isOff(given)) return undefined;
  const address = parseListen(given);
  if (!address) {
    report(`status_listen: ${values.quoted("status_listen")} is neither HOST:PORT nor off`);
  }
  return address;
}
