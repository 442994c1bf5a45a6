import { parseListen } from "../config/listen_address.ts";
import type { ListenAddress } from "../config/settings.ts";
import { headerSlip } from "../config/token.ts";
import { addressSet } from "../protocol/address_set.ts";
import { type NatsAddress, natsAddressRule, parseNatsAddress } from "../relay/jetstream/address.ts";
import { parseFlags } from "./flags.ts";
import { httpUrl } from "./http_url.ts";
import { UsageError } from "./usage_error.ts";

export type RelayFlags = ReturnType<typeof readRelayFlags>;

/** What a relay is told on its command line; `env` is its environment. Throws `UsageError`. */
export function readRelayFlags(
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
) {
  const { text, isOn, choice } = parseFlags(args, {
    "listen": "string",
    "webhooks": "string",
    "data": "string",
    "store": "string",
    "durability": "string",
    "log-level": "string",
    "log-format": "string",
    "public-url": "string",
    "trusted-proxies": "string",
    "tls-cert": "string",
    "tls-key": "string",
    "allow-query-token": "boolean",
  });
  return {
    listen: listenAddress(text("listen") ?? "127.0.0.1:8420"),
    webhooks: text("webhooks"),
    data: text("data"),
    nats: natsAddress(text("store") ?? env["HOOKFERRY_STORE"]),
    durability: choice("durability", ["full", "normal", "memory"]),
    logLevel: choice("log-level", ["info", "debug", "warning", "error"]),
    logFormat: choice("log-format", ["auto", "human", "json"]),
    publicUrl: publicUrl(text("public-url")),
    trustedProxies: readTrustedProxies(text("trusted-proxies")),
    tlsCert: text("tls-cert"),
    tlsKey: text("tls-key"),
    allowQueryToken: isOn("allow-query-token") ?? false,
    adminToken: readAdminToken(env),
  };
}

/** Undefined when none is set: an empty variable is none. Throws `UsageError`. */
export function readAdminToken(
  env: Readonly<Record<string, string | undefined>>,
): string | undefined {
  const token = env["WEBHOOK_CONNECT_ADMIN_TOKEN"] || undefined;
  const slip = token && headerSlip(token);
  if (slip) throw new UsageError(`WEBHOOK_CONNECT_ADMIN_TOKEN: ${slip}`);
  return token;
}

/** Without a trailing slash. The value is not shown when it is wrong: it may hold a password. */
function publicUrl(text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  const url = httpUrl(text);
  if (url && !/[@?#]/.test(text)) return url.href.replace(/\/+$/, "");
  throw new UsageError("--public-url: use a URL as https://HOST or https://HOST/PATH");
}

function listenAddress(text: string): ListenAddress {
  const listen = parseListen(text);
  if (!listen) throw new UsageError(`--listen ${JSON.stringify(text)}: use HOST:PORT`);
  return listen;
}

/** Undefined when nothing is said. The value is not shown when it is wrong: it may hold a password. */
function natsAddress(text: string | undefined): NatsAddress | undefined {
  if (!text) return undefined;
  const address = parseNatsAddress(text);
  if (!address) throw new UsageError(`--store (HOOKFERRY_STORE): use ${natsAddressRule}`);
  return address;
}

function readTrustedProxies(list: string | undefined): readonly string[] {
  const entries = list?.split(",").map((entry) => entry.trim()) ?? [];
  try {
    addressSet(entries);
    return entries;
  } catch (error) {
    throw new UsageError(`--trusted-proxies: ${error instanceof Error ? error.message : error}`);
  }
}
