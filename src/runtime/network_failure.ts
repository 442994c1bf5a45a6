/**
 * What went wrong on the network, in one vocabulary. `node:*` gives codes on both runtimes; Deno's
 * `fetch` gives only texts, Bun's has codes of its own.
 */
export interface NetworkFailure {
  readonly code: "refused" | "reset" | "dns" | "tls" | "timeout" | "network";
  /** For people, without the address: "connection refused". */
  readonly message: string;
}

const patterns: readonly (readonly [NetworkFailure["code"], RegExp, string?])[] = [
  ["refused", /ECONNREFUSED|ConnectionRefused|connection refused/i, "connection refused"],
  ["dns", /ENOTFOUND|EAI_AGAIN|dns error|failed to lookup|DNSException/i, "host name not found"],
  ["timeout", /ETIMEDOUT|TimeoutError|timed out/i, "timed out"],
  [
    "tls",
    /CERT|ERR_SSL|ERR_TLS|SELF_SIGNED|UNABLE_TO_|invalid peer certificate|UnknownIssuer|received fatal alert|EPROTO|NoApplicationProtocol|handshake/i,
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
  const text = errorText(error);
  for (const [code, pattern, message] of patterns) {
    if (pattern.test(text)) return { code, message: message ?? firstLine(detailOf(error)) };
  }
  return { code: "network", message: firstLine(detailOf(error)) };
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
