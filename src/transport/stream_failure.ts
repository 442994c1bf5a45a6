/** Turns what a relay or the network answered into a `StreamFailure` that a person can act on. */
import { StreamFailure, type StreamFailureClass } from "../flow.ts";
import { parseRetryAfter } from "../protocol/retry_after.ts";
import type { HeaderReader } from "../runtime/fetch.ts";
import { ForbiddenAddress, networkFailure, ProxyFailure } from "../runtime/network_failure.ts";

/** What was being done, for the beginning of the message: "open the SSE stream at https://…". */
export interface Doing {
  readonly what: string;
  readonly url: URL;
  /** What to do when it is refused, where it is not about a token. */
  readonly advice?: string;
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
    `cannot ${doing.what} at ${doing.url.href}: the relay answered ${status}${detail(body)}${
      advice(status, headers, doing.advice)
    }`,
    { status, ...(retryAfterMs !== undefined && { retryAfterMs }) },
  );
}

/** Who answered is no relay: a maintenance page in its place, a captive portal. `body` may be its beginning. */
export function foreignAnswer({ what, url }: Doing, body: string): StreamFailure {
  const said = JSON.stringify(body.slice(0, 80));
  return new StreamFailure(
    "protocol",
    `cannot ${what} at ${url.href}: ${said} is no answer of a relay`,
  );
}

function classOfStatus(status: number): StreamFailureClass {
  if (status === 401 || status === 403 || status === 404) return "rejected";
  if (status === 408 || status === 429 || status === 425) return "unavailable";
  if (status >= 300 && status < 400) return "unavailable";
  if (status >= 500 && status !== 501 && status !== 505) return "unavailable";
  return "protocol";
}

function advice(status: number, headers: HeaderReader, refused: string | undefined): string {
  if (classOfStatus(status) === "rejected" && refused !== undefined) return `; ${refused}`;
  switch (status) {
    case 401:
    case 403:
      return "; check the token and the channel name (a relay of the old kind also answers this until the channel's first webhook)";
    case 404:
      return "; check cloud_url and the channel name";
  }
  if (status >= 300 && status < 400) {
    return `, a redirect to ${
      JSON.stringify((headers.get("location") ?? "").slice(0, 200))
    }; redirects are not followed, set cloud_url to the final address`;
  }
  return "";
}

/** The `detail` of the relay's JSON error, or the beginning of what it said, quoted. */
function detail(body: string): string {
  if (body.trim() === "") return "";
  try {
    const { detail } = JSON.parse(body) as { detail?: unknown };
    if (typeof detail === "string") return ` (${JSON.stringify(detail.slice(0, 200))})`;
  } catch {
    // Not the relay's JSON: a proxy's page, say. Its beginning helps to tell whose.
  }
  return ` (${JSON.stringify(body.slice(0, 80))})`;
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
