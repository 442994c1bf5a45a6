/**
 * What went wrong on the network, in one vocabulary. `node:*` gives codes on both runtimes; Deno's
 * `fetch` gives only texts, Bun's has codes of its own.
 */
export interface NetworkFailure {
  readonly code: "refused" | "reset" | "dns" | "tls" | "timeout" | "network";
  /** For people, without the address: "connection refused". */
  readonly message: string;
}

/** A host name resolved to an address that must not be connected to. */
export class ForbiddenAddress extends Error {
  override readonly name = "ForbiddenAddress";

  constructor(host: string, address: string) {
    super(
      `will not connect to ${
        JSON.stringify(host)
      }: it resolves to ${address}, which is not allowed`,
    );
  }
}

/** The proxy cannot be reached, or does not pass the connection on. */
export class ProxyFailure extends Error {
  override readonly name = "ProxyFailure";
  /** What the proxy answered, where it did. */
  readonly status: number | undefined;

  constructor({ origin }: URL, cause: unknown, status?: number) {
    const why = status === undefined
      ? networkFailure(cause).message
      : status === 407
      ? "it answered 407: it wants another user and password"
      : `it answered ${status}`;
    super(`the proxy ${origin}: ${why}`, { cause });
    this.status = status;
  }
}

/** What answers a greeting of TLS with something else. */
const noTls = /WRONG_VERSION_NUMBER|InvalidContentType|Does the server speak TLS/;

const patterns: readonly (readonly [NetworkFailure["code"], RegExp, string?])[] = [
  ["refused", /ECONNREFUSED|ConnectionRefused|connection refused/i, "connection refused"],
  ["dns", /ENOTFOUND|EAI_AGAIN|dns error|failed to lookup|DNSException/i, "host name not found"],
  ["timeout", /ETIMEDOUT|TimeoutError|timed out/i, "timed out"],
  [
    "tls",
    /CERTIFICATE_?REQUIRED/i,
    "the server demands a client certificate: set client_cert_path and client_key_path",
  ],
  [
    "tls",
    /SELF_SIGNED|UNABLE_TO_|UnknownIssuer|CaUsedAsEndEntity/,
    "the certificate is not signed by a CA that is trusted here: set ca_cert_path",
  ],
  [
    "tls",
    /ALTNAME|NotValidForName|HOSTNAME_MISMATCH/i,
    "the certificate is for another host name",
  ],
  ["tls", /CERT_HAS_EXPIRED|certificate expired|Expired/, "the certificate has expired"],
  ["tls", noTls, "the port speaks no TLS but, it seems, plain http"],
  ["refused", /ENOENT/, "there is no such Unix socket"],
  ["refused", /EACCES|EPERM/, "no permission to connect there"],
  [
    "tls",
    /PROTOCOL_VERSION|UNSUPPORTED_PROTOCOL|ProtocolVersion/,
    "the server speaks no TLS version that is allowed here: see tls_min_version",
  ],
  [
    "tls",
    /CERT|ERR_SSL|ERR_TLS|invalid peer certificate|received fatal alert|EPROTO|NoApplicationProtocol|handshake/i,
  ],
  [
    "reset",
    /ECONNRESET|EPIPE|ECONNABORTED|ConnectionClosed|connection (reset|closed)|socket hang up|socket (was )?closed|unexpected eof|end of file|error reading a body/i,
    "connection closed by the other side",
  ],
  ["network", /EHOSTUNREACH|ENETUNREACH|unreachable/i, "no route to the host"],
  ["refused", /FailedToOpenSocket|tcp connect error/i, "cannot connect"],
];

/** Names the failure behind an error of `node:http`, `ws` or `fetch`. Never throws. */
export function networkFailure(error: unknown): NetworkFailure {
  const told = knownFailure(error);
  if (told) return told;
  const text = errorText(error);
  for (const [code, pattern, message] of patterns) {
    if (pattern.test(text)) return { code, message: message ?? firstLine(detailOf(error)) };
  }
  return { code: "network", message: firstLine(detailOf(error)) };
}

/** Errors of our own, which say it all. */
function knownFailure(error: unknown): NetworkFailure | undefined {
  const forbidden = causeOf(error, ForbiddenAddress);
  if (forbidden) return { code: "network", message: forbidden.message };
  const failure = causeOf(error, ProxyFailure);
  if (!failure) return undefined;
  const { message, status, cause } = failure;
  return { code: status === undefined ? networkFailure(cause).code : "network", message };
}

/** Whether a proxy is to blame. */
export function isProxyFailure(error: unknown): boolean {
  return causeOf(error, ProxyFailure) !== undefined;
}

/** Whether it was greeted with TLS, and speaks none. */
export function speaksNoTls(error: unknown): boolean {
  return noTls.test(errorText(error));
}

function causeOf<T>(error: unknown, kind: new (...args: never[]) => T): T | undefined {
  for (let at = error, depth = 0; at instanceof Error && depth < 5; depth++) {
    if (at instanceof kind) return at;
    at = at.cause;
  }
  return undefined;
}

function errorText(error: unknown): string {
  const parts: string[] = [];
  for (let at: unknown = error, depth = 0; at instanceof Error && depth < 5; depth++) {
    parts.push(at.name, at.message, String((at as { code?: unknown }).code ?? ""));
    at = at.cause;
  }
  return parts.length > 0 ? parts.join(" ") : String(error);
}

/** The innermost message and its code: the outer ones only say "fetch failed". */
function detailOf(error: unknown): string {
  let at = error;
  while (at instanceof Error && at.cause instanceof Error) at = at.cause;
  if (!(at instanceof Error)) return String(at);
  const code = (at as { code?: unknown }).code;
  return typeof code === "string" && !at.message.includes(code)
    ? `${at.message} (${code})`
    : at.message;
}

function firstLine(text: string): string {
  return text.split("\n", 1)[0]?.trim() || "unknown network error";
}
