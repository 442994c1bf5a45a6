/** THE list of options. Files, environment, flags, help and documentation are made from it. */

export type OptionKind =
  | { readonly type: "text" }
  | { readonly type: "secret" }
  | { readonly type: "choice"; readonly values: readonly string[] }
  | { readonly type: "boolean" }
  | { readonly type: "integer"; readonly min: number }
  /** Seconds in files, environment and flags. */
  | { readonly type: "seconds"; readonly min: number }
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

const seconds = (min = 0.001): OptionKind => ({ type: "seconds", min });
const text: OptionKind = { type: "text" };
const boolean: OptionKind = { type: "boolean" };
const count: OptionKind = { type: "integer", min: 1 };

export const protocols = ["auto", "websocket", "sse", "long_poll"] as const;

export const options: readonly Option[] = [
  { key: "cloud_url", kind: text, help: "the relay's URL (http, https, ws or wss)" },
  { key: "channel", kind: text, help: "the channel to read" },
  { key: "token", kind: { type: "secret" }, flag: false, help: "the channel's token" },
  { key: "token_file", kind: text, help: "file that holds the token" },
  {
    key: "protocol",
    kind: { type: "choice", values: protocols },
    default: "auto",
    help: "how to reach the relay; auto takes the best that gets through",
  },
  { key: "target_url", kind: text, help: "where webhooks go that `targets` does not name" },
  { key: "connector_id", kind: text, env: "CONNECTOR_ID", help: "name of this connector" },
  { key: "reconnect_delay", kind: seconds(), default: 1, help: "first wait before reconnecting" },
  { key: "max_reconnect_delay", kind: seconds(), default: 60, help: "longest wait" },
  {
    key: "reconnect_backoff_multiplier",
    kind: { type: "number", min: 1 },
    default: 2,
    help: "growth of the wait",
  },
  {
    key: "heartbeat_timeout",
    kind: seconds(1),
    default: 60,
    help: "no byte from the relay for this long = the connection is dead",
  },
  { key: "connection_timeout", kind: seconds(), default: 30, help: "to open a connection" },
  { key: "ack_timeout", kind: seconds(), default: 30, help: "for one acknowledgement request" },
  { key: "max_concurrent_requests", kind: count, default: 10, help: "deliveries at a time" },
  { key: "max_queue_messages", kind: count, default: 1_000, help: "messages in hand" },
  { key: "max_queue_bytes", kind: count, default: 67_108_864, help: "bytes in hand" },
  { key: "dedup_max_messages", kind: count, default: 10_000, help: "finished ids remembered" },
  { key: "dedup_window", kind: seconds(), default: 3_600, help: "how long they are remembered" },
  { key: "shutdown_grace_seconds", kind: seconds(0), default: 30, help: "to finish on stop" },
  { key: "fallback_retry", kind: seconds(1), default: 600, help: "auto: back to the better one" },
  {
    key: "exit_on_auth_failure",
    kind: boolean,
    default: false,
    help: "exit 77 on a refused token",
  },
  { key: "allow_insecure", kind: boolean, default: false, help: "plain http beyond loopback" },
  { key: "legacy_headers", kind: boolean, default: false, help: "also send X-Original-* headers" },
  { key: "verify_ssl", kind: boolean, default: true, help: "verify the relay's certificate" },
  { key: "ca_cert_path", kind: text, help: "CA file for the relay, added to the roots" },
  { key: "client_cert_path", kind: text, help: "client certificate for the relay" },
  { key: "client_key_path", kind: text, help: "its key" },
  {
    key: "log_level",
    kind: { type: "choice", values: ["debug", "info", "warning", "error"] },
    default: "info",
    help: "least level logged",
  },
];

export function envName(option: Option): string {
  return option.env ?? `CONNECTOR_${option.key.toUpperCase()}`;
}

export function flagName(option: Option): string {
  return option.key.replaceAll("_", "-");
}

/** What is accepted, in words for an error message. */
export function accepted(kind: OptionKind): string {
  switch (kind.type) {
    case "text":
    case "secret":
      return "a text that is not empty";
    case "choice":
      return `one of ${kind.values.join(", ")}`;
    case "boolean":
      return "true or false (also 1/0, yes/no, on/off)";
    case "integer":
      return `a whole number of at least ${kind.min}`;
    case "seconds":
      return `a number of seconds of at least ${kind.min}`;
    case "number":
      return `a number of at least ${kind.min}`;
  }
}

const yes = new Set(["1", "true", "yes", "on"]);
const no = new Set(["0", "false", "no", "off"]);

/** The value of an option as given by a variable or a flag; undefined when it is not accepted. */
export function parseText(kind: OptionKind, given: string): string | number | boolean | undefined {
  switch (kind.type) {
    case "boolean": {
      const lower = given.trim().toLowerCase();
      return yes.has(lower) ? true : no.has(lower) ? false : undefined;
    }
    case "integer":
    case "seconds":
    case "number":
      return given.trim() === "" ? undefined : checkValue(kind, Number(given));
    case "choice":
      return checkValue(kind, given.trim().toLowerCase());
    case "text":
    case "secret":
      return checkValue(kind, given);
  }
}

/** The value of an option as given by a file; undefined when it is not accepted. */
export function checkValue(
  kind: OptionKind,
  value: unknown,
): string | number | boolean | undefined {
  switch (kind.type) {
    case "boolean":
      return typeof value === "boolean" ? value : undefined;
    case "integer":
    case "seconds":
    case "number": {
      const isNumber = typeof value === "number" && Number.isFinite(value) && value >= kind.min;
      return isNumber && (kind.type !== "integer" || Number.isInteger(value)) ? value : undefined;
    }
    case "choice": {
      const lower = typeof value === "string" ? value.toLowerCase() : "";
      return kind.values.find((accepted) => accepted === lower);
    }
    case "text":
    case "secret":
      return typeof value === "string" && value !== "" ? value : undefined;
  }
}
