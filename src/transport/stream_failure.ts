/** Turns what a relay or the network answered into a `StreamFailure` that a person can act on. */
import { StreamFailure, type StreamFailureClass } from "../flow.ts";
import { withoutPathOf } from "../protocol/redact.ts";
import { parseRetryAfter } from "../protocol/retry_after.ts";
import type { HeaderReader } from "../runtime/fetch.ts";
import { ForbiddenAddress, networkFailure, ProxyFailure } from "../runtime/network_failure.ts";

/** What was being done, for the beginning of the message: "open the SSE stream at https://…". */
export interface Doing {
  readonly what: string;
  readonly url: URL;
  /** What to do when it is refused, where it is not about a token. */
  readonly advice?: string;
  /** No message shows its path, though the server may say it. */
  readonly secretUrl?: URL;
}

/** The beginning of what the server said, quoted. */
export function quoted({ secretUrl }: Doing, said: string, maxLength: number): string {
  const shown = secretUrl ? withoutPathOf(secretUrl, said) : said;
  return JSON.stringify(shown.slice(0, maxLength));
}

/** The relay answered, but not with a stream. `body` may be the beginning of the response. */
export function refusedStream(
  doing: Doing,
  status: number,
  headers: HeaderReader,
  body: string,
  nowMs: number,
): StreamFailure {
  const retryAfterMs = parseRetryAfter(headers.get("retry-after"), nowMs);
  return new StreamFailure(
    classOfStatus(status),
    `cannot ${doing.what} at ${doing.url.href}: the relay answered ${status}${detail(doing, body)}${
      advice(doing, status, headers)
    }`,
    { status, ...(retryAfterMs !== undefined && { retryAfterMs }) },
  );
}

/** Who answered is no relay: a maintenance page in its place, a captive portal. `body` may be its beginning. */
export function foreignAnswer(doing: Doing, body: string): StreamFailure {
  const said = quoted(doing, body, 80);
  return new StreamFailure(
    "protocol",
    `cannot ${doing.what} at ${doing.url.href}: ${said} is no answer of a relay`,
  );
}

function classOfStatus(status: number): StreamFailureClass {
  if (status === 401 || status === 403 || status === 404) return "rejected";
  if (status === 408 || status === 429 || status === 425) return "unavailable";
  if (status >= 300 && status < 400) return "unavailable";
  if (status >= 500 && status !== 501 && status !== 505) return "unavailable";
  return "protocol";
}

function advice(doing: Doing, status: number, headers: HeaderReader): string {
  if (classOfStatus(status) === "rejected" && doing.advice !== undefined) {
    return `; ${doing.advice}`;
  }
  switch (status) {
    case 401:
    case 403:
      return "; check the token and the channel name (a relay of the old kind also answers this until the channel's first webhook)";
    case 404:
      return "; check cloud_url and the channel name";
  }
  if (status >= 300 && status < 400) {
    return `, a redirect to ${
      quoted(doing, destination(doing, headers.get("location") ?? ""), 200)
    }; redirects are not followed, set cloud_url to the final address`;
  }
  return "";
}

/** The path of another place is as secret. */
function destination({ url, secretUrl }: Doing, location: string): string {
  if (!secretUrl) return location;
  const origin = URL.parse(location, url)?.origin;
  return origin === undefined ? "***" : `${origin}/***`;
}

/** The `detail` of the relay's JSON error, or the beginning of what it said, quoted. */
function detail(doing: Doing, body: string): string {
  if (body.trim() === "") return "";
  try {
    const { detail } = JSON.parse(body) as { detail?: unknown };
    if (typeof detail === "string") return ` (${quoted(doing, detail, 200)})`;
  } catch {
    // Not the relay's JSON: a proxy's page, say. Its beginning helps to tell whose.
  }
  return ` (${quoted(doing, body, 80)})`;
}

/** The network failed before or during a stream. A `StreamFailure` passes through unchanged. */
export function brokenStream(doing: Doing, error: unknown): StreamFailure {
  if (error instanceof StreamFailure) return error;
  const failure = networkFailure(error);
  return new StreamFailure(
    classOfFailure(error),
    `cannot ${doing.what} at ${doing.url.href}: ${failure.message}`,
    { cause: error },
  );
}

/** A proxy that refuses one kind of stream may let another through. */
function classOfFailure(error: unknown): StreamFailureClass {
  if (error instanceof ForbiddenAddress) return "rejected";
  if (!(error instanceof ProxyFailure) || error.status === undefined) return "network";
  return error.status >= 500 || error.status === 407 ? "unavailable" : "protocol";
}
