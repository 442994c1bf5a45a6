/** THE list of options. Files, environment, flags, help, JSON Schema and documentation are made from it. */
import type { Secret } from "./secret.ts";
import { outputChoices, tlsVersions } from "./settings.ts";

export type OptionKind =
  | { readonly type: "text" }
  | { readonly type: "secret" }
  | {
    readonly type: "choice";
    readonly values: readonly string[];
    /** Other spellings that are understood, by what they mean. */
    readonly aliases?: Readonly<Record<string, string>>;
  }
  | { readonly type: "boolean" }
  | { readonly type: "integer"; readonly min: number }
  /** Seconds in files, environment and flags. */
  | { readonly type: "seconds"; readonly min: number; readonly max?: number }
  | { readonly type: "number"; readonly min: number };

export interface Option {
  /** The key in a file. The flag is the same with dashes, the variable CONNECTOR_ and the same in capitals. */
  readonly key: string;
  readonly kind: OptionKind;
  /** Undefined = none. */
  readonly default?: string | number | boolean;
  readonly help: string;
  /** Where the variable has another name. */
  readonly env?: string;
  /** False for what must not be seen in a process list. */
  readonly flag?: false;
}

const seconds = (min = 0.001) => ({ type: "seconds", min }) as const;
const text = { type: "text" } as const;
const boolean = { type: "boolean" } as const;
const count = { type: "integer", min: 1 } as const;

const table = [
  { key: "cloud_url", kind: text, help: "the relay's URL (http, https, ws or wss)" },
  {
    key: "source",
    kind: { type: "choice", values: ["relay", "smee"] },
    default: "relay",
    help: "what is at cloud_url; smee: smee.io, gosmee or alike, no token, no acks (SMEE.md)",
  },
  { key: "channel", kind: text, help: "the channel to read; with smee a name for it" },
  { key: "token", kind: { type: "secret" }, flag: false, help: "the channel's token" },
  { key: "token_file", kind: text, help: "file that holds the token" },
  {
    key: "protocol",
    kind: { type: "choice", values: ["auto", "websocket", "sse", "long_poll"] },
    default: "auto",
    help: "how to reach the relay; auto takes the best that gets through",
  },
  { key: "profile", kind: text, help: "which of the file's profiles counts" },
  { key: "target_url", kind: text, help: "where webhooks go that `targets` does not name" },
  {
    key: "allowed_targets",
    kind: text,
    help:
      "where targets may be, parted by commas: hosts, *.hosts, addresses, networks, unix:/PATH; anywhere where nothing is said",
  },
  {
    key: "target_method",
    kind: text,
    help: "method for the default target; else the webhook's own",
  },
  {
    key: "target_timeout",
    kind: seconds(),
    help: "one attempt at the default target; 30 where nothing is said",
  },
  { key: "connector_id", kind: text, env: "CONNECTOR_ID", help: "name of this connector" },
  {
    key: "reconnect_delay",
    kind: seconds(),
    default: 1,
    help: "ceiling of the first reconnect wait",
  },
  { key: "max_reconnect_delay", kind: seconds(), default: 60, help: "longest reconnect wait" },
  {
    key: "reconnect_backoff_multiplier",
    kind: { type: "number", min: 1 },
    default: 2,
    help: "growth of the reconnect wait",
  },
  {
    key: "max_connect_attempts",
    kind: { type: "integer", min: 0 },
    default: 0,
    help: "failures in a row before exit 69; 0 = try for ever",
  },
  {
    key: "heartbeat_timeout",
    kind: seconds(1),
    default: 60,
    help: "no byte from the relay for this long = the connection is dead",
  },
  { key: "connection_timeout", kind: seconds(), default: 30, help: "to open a connection" },
  {
    key: "poll_timeout",
    kind: { type: "seconds", min: 1, max: 60 },
    default: 30,
    help: "long-poll: how long the relay may hold one request",
  },
  { key: "ack_timeout", kind: seconds(), default: 30, help: "for one acknowledgement request" },
  { key: "fallback_retry", kind: seconds(1), default: 600, help: "auto: back to the better one" },
  { key: "max_concurrent_requests", kind: count, default: 10, help: "deliveries at a time" },
  { key: "max_queue_messages", kind: count, default: 1_000, help: "messages in hand" },
  { key: "max_queue_bytes", kind: count, default: 67_108_864, help: "bytes in hand" },
  { key: "dedup_max_messages", kind: count, default: 100_000, help: "finished ids remembered" },
  { key: "dedup_window", kind: seconds(), default: 3_600, help: "how long they are remembered" },
  {
    key: "journal",
    kind: text,
    help:
      "memory, or sqlite:FOLDER for what must outlive the process; by itself below ~/.local/state/hookferry",
  },
  {
    key: "on_journal_failure",
    kind: { type: "choice", values: ["continue", "stop"] },
    default: "continue",
    help: "continue: deliver without it, not ready; stop: finish and exit",
  },
  {
    key: "on_exhausted",
    kind: { type: "choice", values: ["nack", "dead_letter"] },
    default: "nack",
    help: "attempts used up: nack = back to the relay, dead_letter = kept here",
  },
  { key: "dead_letter_max_messages", kind: count, default: 10_000, help: "dead letters kept here" },
  { key: "dead_letter_max_bytes", kind: count, default: 268_435_456, help: "their bytes" },
  {
    key: "poison_after",
    kind: { type: "integer", min: 0 },
    default: 3,
    help: "crashes with a message in hand after which it is put away; 0 = never",
  },
  {
    key: "ordering",
    kind: text,
    default: "none",
    help: "none, channel, key:webhook_id, key:header:NAME or key:/json/pointer",
  },
  { key: "max_lane_messages", kind: count, default: 100, help: "messages of a key that wait" },
  { key: "shutdown_grace_seconds", kind: seconds(0), default: 30, help: "to finish on stop" },
  {
    key: "exit_on_auth_failure",
    kind: boolean,
    default: false,
    help: "exit 77 on a refused token",
  },
  {
    key: "allow_insecure",
    kind: boolean,
    default: false,
    help: "plain http beyond loopback, or verify_ssl off",
  },
  { key: "legacy_headers", kind: boolean, default: false, help: "also send X-Original-* headers" },
  { key: "verify_ssl", kind: boolean, default: true, help: "verify the relay's certificate" },
  { key: "ca_cert_path", kind: text, help: "CA file for the relay, added to the roots" },
  { key: "client_cert_path", kind: text, help: "client certificate for the relay" },
  { key: "client_key_path", kind: text, help: "its key" },
  {
    key: "client_key_passphrase",
    kind: { type: "secret" },
    flag: false,
    help: "the passphrase of that key, where it has one",
  },
  {
    key: "tls_server_name",
    kind: text,
    help: "the name in the relay's certificate, where it is not the host of cloud_url",
  },
  {
    key: "tls_min_version",
    kind: {
      type: "choice",
      values: tlsVersions,
      aliases: { "1.2": "tls1.2", "1.3": "tls1.3", "tlsv1.2": "tls1.2", "tlsv1.3": "tls1.3" },
    },
    default: "tls1.2",
    help: "least TLS version spoken with the relay",
  },
  {
    key: "proxy",
    kind: { type: "secret" },
    flag: false,
    help:
      "the way to the relay: http://[USER:PASSWORD@]HOST:PORT, or none; else HTTPS_PROXY, HTTP_PROXY, ALL_PROXY and NO_PROXY say",
  },
  {
    key: "status_listen",
    kind: text,
    default: "127.0.0.1:8421",
    help: "status server, HOST:PORT or off",
  },
  {
    key: "status_token",
    kind: { type: "secret" },
    flag: false,
    help: "for pause, resume and dead letters; on this machine one is made for its user",
  },
  {
    key: "inspect",
    kind: boolean,
    default: false,
    help: "keep requests and responses of the last messages for the page; bodies up to 64 KiB",
  },
  { key: "inspect_max_messages", kind: count, default: 100, help: "of so many messages" },
  {
    key: "inspect_redact",
    kind: text,
    default:
      "*authorization*,*cookie*,*token*,*secret*,*signature*,*api*key*,*access*key*,*auth*key*,key,*password*",
    help: "headers, query parameters, JSON members and form fields neither kept nor logged",
  },
  {
    key: "output",
    kind: { type: "choice", values: outputChoices },
    default: "auto",
    help: "standard output; auto: live on a terminal, else one JSON object a line",
  },
  {
    key: "log_level",
    kind: {
      type: "choice",
      values: ["debug", "info", "warning", "error"],
      aliases: { warn: "warning", critical: "error", fatal: "error" },
    },
    default: "info",
    help: "least level logged",
  },
  {
    key: "log_format",
    kind: { type: "choice", values: ["auto", "human", "json"] },
    default: "auto",
    help: "auto: human on a terminal, else JSON",
  },
  {
    key: "log_payload",
    kind: boolean,
    default: false,
    help: "at level debug also method, path, headers and 2 KiB of each webhook, secrets masked",
  },
] as const satisfies readonly Option[];

export const options: readonly Option[] = table;

/** Options of the process: another value of these counts at the next start. */
export const processKeys: ReadonlySet<string> = new Set(
  options.map(({ key }) => key).filter((key) => /^(status|log|inspect|output)(_|$)/.test(key)),
);

export type OptionKey = typeof table[number]["key"];

type Raw<Kind> = Kind extends { type: "boolean" } ? boolean
  : Kind extends { type: "integer" | "seconds" | "number" } ? number
  : Kind extends { type: "secret" } ? Secret
  : Kind extends { type: "choice"; values: readonly (infer Value)[] } ? Value
  : string;

/** What an option's value is, as the program sees it; undefined is possible where there is no default. */
export type OptionValue<Key extends OptionKey> = typeof table[number] extends infer One
  ? One extends { key: Key; kind: infer Kind }
    ? Raw<Kind> | (One extends { default: unknown } ? never : undefined)
  : never
  : never;

export function envName(option: Option): string {
  return option.env ?? `CONNECTOR_${option.key.toUpperCase()}`;
}

export function flagName(option: Option): string {
  return option.key.replaceAll("_", "-");
}
