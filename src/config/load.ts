import { readFileSync } from "node:fs";
import stripJsonComments from "strip-json-comments";
import { parse as parseYaml } from "yaml";
import { channelNameRule, isChannelName } from "../protocol/channel_name.ts";
import { accepted, checkValue, envName, flagName, options, parseText } from "./options.ts";
import { Secret } from "./secret.ts";
import type { Settings, SourceSettings, TargetSettings, TlsSettings } from "./settings.ts";
import { readSourceUrl } from "./source_url.ts";
import { readTarget } from "./target_settings.ts";

/** Everything that is wrong with the configuration, at once. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(`the configuration is not valid:\n${problems.map((one) => `  - ${one}`).join("\n")}`);
    this.problems = problems;
  }
}

export interface Layers {
  /** Path of the file, or undefined for none. */
  readonly file: string | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** By option key. */
  readonly flags: Readonly<Record<string, string | undefined>>;
}

/** A value and who set it. */
export interface Origin {
  readonly value: string | number | boolean;
  readonly origin: string;
}

export interface Loaded {
  readonly settings: Settings;
  readonly origins: ReadonlyMap<string, Origin>;
}

/** Modes of the old connector that this one does not have. */
const unsupported = [
  "webhooks_config",
  "connections_config",
  "etcd_host",
  "etcd_port",
  "etcd_prefix",
  "namespace",
];
const otherKeys = ["default_target", "targets", "log_format", "$schema"];

/**
 * Defaults < file < environment < flags. "Set" means present; an empty variable counts as unset, and so does
 * null in a file. Throws `ConfigError`.
 */
export function loadSettings(layers: Layers): Loaded {
  const problems: string[] = [];
  const file = layers.file === undefined ? {} : readConfigFile(layers.file);
  const origins = new Map<string, Origin>();

  for (const option of options) {
    const { key, kind } = option;
    const isSecret = kind.type === "secret";
    const set = (value: Origin["value"] | undefined, given: unknown, origin: string) => {
      if (value !== undefined) return origins.set(key, { value, origin });
      const shown = isSecret ? "its value" : JSON.stringify(given);
      problems.push(`${key}: ${shown} from ${origin} is not ${accepted(kind)}`);
    };
    if (option.default !== undefined) set(option.default, option.default, "default");
    const inFile = file[key];
    if (inFile !== undefined && inFile !== null) {
      set(checkValue(kind, inFile), inFile, `file ${layers.file}`);
    }
    const inEnv = layers.env[envName(option)];
    if (inEnv) set(parseText(kind, inEnv), inEnv, `environment ${envName(option)}`);
    const inFlag = layers.flags[key];
    if (inFlag !== undefined) set(parseText(kind, inFlag), inFlag, `flag --${flagName(option)}`);
  }

  const known = [...options.map(({ key }) => key), ...otherKeys];
  for (const [key, value] of Object.entries(file)) {
    if (value === null || known.includes(key)) continue;
    problems.push(
      unsupported.includes(key)
        ? `${key}: this delivery mode of the old connector is not part of hookferry; use default_target or targets`
        : `${key}: unknown key in ${layers.file}${didYouMean(key, known)}`,
    );
  }

  const text = (key: string) => origins.get(key)?.value as string | undefined;
  const number = (key: string) => Number(origins.get(key)?.value);
  const isOn = (key: string) => origins.get(key)?.value === true;
  const ms = (key: string) => number(key) * 1000;

  const url = required("cloud_url", (given) => readSourceUrl(given, isOn("allow_insecure")));
  const channel = required(
    "channel",
    (given) => isChannelName(given) ? { name: given } : `use ${channelNameRule}`,
  );
  if (ms("max_reconnect_delay") < ms("reconnect_delay")) {
    problems.push("max_reconnect_delay: must not be less than reconnect_delay");
  }
  const token = readToken();
  const tls = readTls();
  const targets = new Map<string, TargetSettings>();
  let defaultTarget: TargetSettings | undefined;
  if (file["default_target"]) {
    defaultTarget = target("default_target", "default", file["default_target"]);
  }
  if (text("target_url") !== undefined) {
    const method = layers.env["CONNECTOR_TARGET_METHOD"];
    const timeout = layers.env["CONNECTOR_TARGET_TIMEOUT"];
    defaultTarget = target("target_url", "default", {
      url: text("target_url"),
      ...(method && { method }),
      ...(timeout && { timeout_seconds: Number(timeout) }),
    });
  }
  const named = file["targets"] ?? {};
  if (typeof named !== "object" || Array.isArray(named)) {
    problems.push("targets: must be an object of webhook id and target");
  } else {
    for (const [id, given] of Object.entries(named)) {
      const one = target(`targets.${id}`, id, given);
      if (one) targets.set(id, one);
    }
  }
  if (!defaultTarget && targets.size === 0 && problems.length === 0) {
    problems.push("no target: set default_target, targets, CONNECTOR_TARGET_URL or --target-url");
  }
  if (problems.length > 0 || !url || !channel || !token) throw new ConfigError(problems);

  return {
    origins,
    settings: {
      source: {
        url,
        channel: channel.name,
        token,
        connectorId: text("connector_id"),
        protocol: text("protocol") as SourceSettings["protocol"], // checked against the same list
        tls,
        reconnectDelayMs: ms("reconnect_delay"),
        maxReconnectDelayMs: ms("max_reconnect_delay"),
        reconnectBackoffMultiplier: number("reconnect_backoff_multiplier"),
        heartbeatTimeoutMs: ms("heartbeat_timeout"),
        connectionTimeoutMs: ms("connection_timeout"),
        ackTimeoutMs: ms("ack_timeout"),
        fallbackRetryMs: ms("fallback_retry"),
      },
      defaultTarget,
      targets,
      delivery: {
        maxConcurrentRequests: number("max_concurrent_requests"),
        maxQueueMessages: number("max_queue_messages"),
        maxQueueBytes: number("max_queue_bytes"),
        shutdownGraceMs: ms("shutdown_grace_seconds"),
        dedupMaxMessages: number("dedup_max_messages"),
        dedupWindowMs: ms("dedup_window"),
      },
      log: { level: text("log_level") as Settings["log"]["level"], format: "auto" },
      statusListen: undefined,
      exitOnAuthFailure: isOn("exit_on_auth_failure"),
    },
  };

  function required<T extends object>(key: string, read: (given: string) => T | string) {
    const given = origins.get(key);
    if (!given) {
      if (!problems.some((problem) => problem.startsWith(`${key}:`))) {
        problems.push(`${key}: is required`);
      }
      return undefined;
    }
    const value = read(String(given.value));
    if (typeof value === "object") return value;
    problems.push(`${key}: ${JSON.stringify(given.value)} from ${given.origin}: ${value}`);
    return undefined;
  }

  function readToken(): Secret | undefined {
    const path = text("token_file");
    let given = text("token");
    if (given === undefined && path !== undefined) {
      given = readText("token_file", path)?.replace(/\r?\n$/, "");
      if (given === undefined) return undefined;
    }
    if (given === undefined || given === "") {
      problems.push("token: is required; set CONNECTOR_TOKEN, or token_file");
      return undefined;
    }
    if (/^[\x21-\x7e]+$/.test(given)) return new Secret(given);
    problems.push("token: has characters that cannot stand in a header");
    return undefined;
  }

  function readTls(): TlsSettings {
    const [cert, key] = [text("client_cert_path"), text("client_key_path")];
    if ((cert === undefined) !== (key === undefined)) {
      problems.push("client_cert_path and client_key_path: set both or neither");
    }
    const pem = (name: string, path: string | undefined, block: RegExp) => {
      if (path === undefined) return undefined;
      const content = readText(name, path);
      if (content === undefined || block.test(content)) return content;
      problems.push(`${name}: ${JSON.stringify(path)} holds no such PEM block`);
      return undefined;
    };
    return {
      verify: isOn("verify_ssl"),
      ca: pem("ca_cert_path", text("ca_cert_path"), /-----BEGIN CERTIFICATE-----/),
      cert: pem("client_cert_path", cert, /-----BEGIN CERTIFICATE-----/),
      key: pem("client_key_path", key, /-----BEGIN [A-Z ]*PRIVATE KEY-----/),
    };
  }

  function readText(name: string, path: string): string | undefined {
    try {
      return readFileSync(path, "utf8");
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      problems.push(`${name}: cannot read ${JSON.stringify(path)}: ${why}`);
      return undefined;
    }
  }

  function target(path: string, name: string, given: unknown): TargetSettings | undefined {
    const read = readTarget(path, name, given, isOn("legacy_headers"));
    if (!Array.isArray(read)) return read as TargetSettings;
    problems.push(...read);
    return undefined;
  }
}

/** The object in a JSON, JSONC or YAML file. Throws `ConfigError`. */
function readConfigFile(path: string): Record<string, unknown> {
  let value: unknown;
  try {
    const text = readFileSync(path, "utf8");
    value = /\.ya?ml$/.test(path)
      ? parseYaml(text)
      : JSON.parse(stripJsonComments(text, { trailingCommas: true }));
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new ConfigError([`cannot read the file ${JSON.stringify(path)}: ${why}`]);
  }
  if (typeof value === "object" && value !== null && !Array.isArray(value)) {
    return value as Record<string, unknown>;
  }
  throw new ConfigError([`the file ${JSON.stringify(path)} does not hold an object`]);
}

function didYouMean(key: string, known: readonly string[]): string {
  const near = known.find((candidate) => distance(key.toLowerCase(), candidate) <= 2);
  return near === undefined ? "" : `, did you mean ${near}?`;
}

/** Levenshtein's distance. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const cost = a[i - 1] === b[j - 1] ? 0 : 1;
      next.push(
        Math.min((row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1, (row[j - 1] ?? 0) + cost),
      );
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
