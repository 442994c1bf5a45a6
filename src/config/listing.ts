import { redactBy } from "../protocol/redact.ts";
import type { Keys } from "./file_lines.ts";
import type { Loaded } from "./load.ts";
import { type OptionKey, options } from "./options.ts";
import { Secret } from "./secret.ts";
import type { RouteSettings, TargetSettings } from "./settings.ts";
import { shownUrl, withoutLogin } from "./shown.ts";
import { withoutPath } from "./source_url.ts";
import { valueAt } from "./value_at.ts";

/** One value that counts, and who set it. */
export interface Listed {
  /** "targets.orders.timeout_seconds". */
  readonly key: string;
  /** For people: JSON, secrets as ***, a text as it was written where that was with references. */
  readonly shown: string;
  readonly origin: string;
  /** Another one where the value is another; may be secret. */
  readonly same: string;
}

/** Every value that counts, options first, then the targets. */
export function listing({ settings, values }: Loaded): Listed[] {
  const listed: Listed[] = [];
  const add = (key: string, value: unknown, origin: string, same: unknown = value) => {
    const shown = withoutLogin(JSON.stringify(value) ?? "null").replace(/^"\*\*\*"$/, "***");
    listed.push({ key, shown, origin, same: JSON.stringify(same) ?? "" });
  };
  const redact = redactBy(settings.redact);
  const { token, tls } = settings.source;
  const read: Partial<Record<OptionKey, unknown>> = {
    token_file: token.reveal(),
    ca_cert_path: tls.ca,
    client_cert_path: tls.cert,
    client_key_path: tls.key,
  };
  for (const option of options) {
    const key = option.key as OptionKey;
    const found = values.origin(key);
    if (!found) continue;
    const { value } = found;
    const same = value instanceof Secret ? value.reveal() : value;
    add(key, shownOption(key, value), found.origin, [same, read[key]]);
  }
  const { defaultRoute, routes } = settings;
  if (defaultRoute) {
    const fromUrl = values.get("target_url") !== undefined;
    addRoute([fromUrl ? "target_url" : "default_target"], defaultRoute);
  }
  for (const [id, route] of routes) addRoute(["targets", id], route);
  return listed;

  function shownOption(key: OptionKey, value: unknown): unknown {
    if (typeof value !== "string") return value;
    const isSecretUrl = key === "cloud_url" && settings.source.protocol === "smee";
    if (isSecretUrl) return withoutPath(settings.source.url).href;
    const text = values.written(key) ?? value;
    return key === "target_url" ? shownUrl(text, redact) : text;
  }

  function addRoute(at: Keys, { targets, ack }: RouteSettings): void {
    const given = valueAt(values.file.content, at);
    const hasTo = valueAt(given, ["to"]) !== undefined;
    if (!hasTo && !Array.isArray(given)) return addTarget(at, targets[0]);
    const said = valueAt(values.file.content, [...at, "ack"]) != null;
    add(`${at.join(".")}.ack`, ack, said ? values.file.origin([...at, "ack"]) : "default");
    for (const [i, target] of targets.entries()) {
      addTarget(hasTo ? [...at, "to", i] : [...at, i], target);
    }
  }

  function addTarget(at: Keys, target: TargetSettings): void {
    const path = at.join(".");
    const inFile = (keys: Keys) => valueAt(values.file.content, [...at, ...keys]);
    const say = (keys: Keys, value: unknown, same: unknown = value) => {
      const origin = overriding(path, keys.join(".")) ??
        (inFile(keys) == null ? "default" : values.file.origin([...at, ...keys]));
      add(`${path}.${keys.join(".")}`, value, origin, same);
    };
    const sayText = (key: string, value: string, same: unknown = value) =>
      say([key], values.writtenInTarget([...at, key]) ?? value, same);
    const url = target.socketPath === undefined ? target.url.href : writtenPlace(target);
    say(["url"], shownUrl(values.writtenInTarget([...at, "url"]) ?? url, redact), url);
    if (target.proxy) say(["proxy"], target.proxy.href); // but for the login nothing in it can be secret
    if (target.method !== undefined) say(["method"], target.method);
    // A header's value is often a credential.
    for (const [name, value] of target.headers) say(["headers", name], "***", value);
    for (const [key, value] of Object.entries(numbersOf(target))) say(key.split("."), value);
    say(["legacy_headers"], target.legacyHeaders);
    say(["verify_ssl"], target.tls.verify);
    const { ca, cert, key, serverName, minVersion } = target.tls;
    if (serverName !== undefined) sayText("tls_server_name", serverName);
    if (minVersion !== undefined) say(["tls_min_version"], minVersion);
    const pems = { ca_cert_path: ca, client_cert_path: cert, client_key_path: key };
    for (const [name, pem] of Object.entries(pems)) {
      if (pem !== undefined) sayText(name, String(inFile([name])), [inFile([name]), pem]);
    }
    if (!target.batch) return;
    say(["batch", "max_messages"], target.batch.maxMessages);
    say(["batch", "max_wait_seconds"], target.batch.maxWaitMs / 1000);
    say(["batch", "max_bytes"], target.batch.maxBytes);
    say(["batch", "format"], target.batch.format);
  }

  /** Who set the option that stands for a value of the default target. */
  function overriding(path: string, key: string): string | undefined {
    if (path !== "default_target" && path !== "target_url") return undefined;
    if (key === "url") return values.origin("target_url")?.origin;
    if (key === "method") return values.origin("target_method")?.origin;
    return key === "timeout_seconds" ? values.origin("target_timeout")?.origin : undefined;
  }
}

/** As it is written in a file. */
function writtenPlace({ origin, url }: TargetSettings): string {
  return `${origin}:${url.pathname}${url.search}`;
}

function numbersOf({ timeoutMs, retry, breaker, maxConcurrentRequests }: TargetSettings) {
  return {
    timeout_seconds: timeoutMs / 1000,
    retry_max_attempts: retry.maxAttempts,
    retry_delay_seconds: retry.delayMs / 1000,
    retry_max_delay_seconds: retry.maxDelayMs / 1000,
    retry_backoff_multiplier: retry.multiplier,
    ...(maxConcurrentRequests !== undefined && { max_concurrent_requests: maxConcurrentRequests }),
    "breaker.consecutive_failures": breaker.consecutiveFailures,
    "breaker.failure_rate": breaker.failureRate,
    "breaker.window": breaker.window,
    "breaker.open_seconds": breaker.openMs / 1000,
    "breaker.max_open_seconds": breaker.maxOpenMs / 1000,
    "breaker.max_held": breaker.maxHeld,
  };
}

/** What is other in `after`, a line each; `keys` are those of it. */
export function differences(
  before: readonly Listed[],
  after: readonly Listed[],
): { readonly lines: string[]; readonly keys: string[] } {
  const old = new Map(before.map((one) => [one.key, one]));
  const lines: string[] = [];
  const keys: string[] = [];
  for (const { key, shown, same } of after) {
    const was = old.get(key);
    old.delete(key);
    if (was?.same === same) continue;
    keys.push(key);
    const isHidden = was?.shown === shown;
    lines.push(
      isHidden ? `${key}: ${shown}, another` : `${key}: ${was?.shown ?? "not set"} -> ${shown}`,
    );
  }
  for (const { key, shown } of old.values()) {
    keys.push(key);
    lines.push(`${key}: ${shown} -> not set`);
  }
  return { lines, keys };
}
