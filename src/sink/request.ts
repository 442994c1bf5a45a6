import type { TargetSettings } from "../config/settings.ts";
import type { Envelope } from "../flow.ts";
import type { HttpRequest } from "../runtime/http_client.ts";
import { withoutQuery } from "../protocol/redact.ts";
import { forwardedHeaders } from "./headers.ts";
import { ownHeaders } from "./own_headers.ts";

/** The webhook cannot be made into a request for this target. */
export class UnsendableError extends Error {
  override readonly name = "UnsendableError";
}

/**
 * The request a target gets: the webhook's own method, path suffix, query, headers and bytes, the headers
 * that name the message, and the target's configured headers on top. Throws `UnsendableError`.
 */
export function requestFor(
  envelope: Envelope,
  target: TargetSettings,
  attempt: number,
): HttpRequest {
  const own = ownHeaders(target);
  const headers = [...forwardedHeaders(envelope.headers, [trackingNames, own.names])];
  if (target.legacyHeaders) {
    const legacy = envelope.headers.map(([name, value]) => [`X-Original-${name}`, value] as const);
    headers.push(...forwardedHeaders(legacy, [own.names]));
  }
  const tracking: [string, string][] = [
    ["X-Webhook-Message-ID", envelope.id],
    ["X-Webhook-ID", envelope.webhookId],
    ["X-Webhook-Attempt", String(attempt)],
  ];
  // The sender's own key says more than ours: two messages with it are one to the target.
  if (!headers.some(([name]) => name.length === 15 && name.toLowerCase() === "idempotency-key")) {
    tracking.push(["Idempotency-Key", envelope.id]);
  }
  for (const header of tracking) if (!own.names.has(header[0].toLowerCase())) headers.push(header);
  headers.push(...own.headers);
  return {
    method: target.method ?? envelope.method,
    url: target.url,
    path: joinPath(target.url, envelope.path),
    host: own.host,
    headers,
    body: envelope.body,
  };
}

const trackingNames = new Set(["x-webhook-message-id", "x-webhook-id", "x-webhook-attempt"]);

/**
 * The target's path and query with what followed the webhook id behind them, its spelling kept. A suffix
 * must not climb out of the target's path, however its dots and slashes are written.
 */
export function joinPath(target: URL, suffix: string): string {
  if (suffix === "") return target.pathname + target.search; // of most there is nothing to look at
  const mark = suffix.indexOf("?");
  const path = mark === -1 ? suffix : suffix.slice(0, mark);
  const query = mark === -1 ? "" : suffix.slice(mark + 1);
  if (/[^\x21-\x7e]/.test(suffix) || suffix.includes("#")) {
    throw new UnsendableError(`the path ${shown(suffix)} is not a valid request target`);
  }
  if (path !== "" && !path.startsWith("/")) {
    throw new UnsendableError(`the path ${shown(suffix)} does not begin with "/"`);
  }
  if (path.split(/[/\\]|%2f|%5c/i).some(isDotSegment)) {
    throw new UnsendableError(`the path ${shown(suffix)} leads out of the path of the target`);
  }
  const base = path === "" ? target.pathname : target.pathname.replace(/\/$/, "");
  const ownQuery = target.search.slice(1);
  const queries = [ownQuery, query].filter((part) => part !== "").join("&");
  const hasQuery = queries !== "" || mark !== -1;
  return `${base}${path}${hasQuery ? `?${queries}` : ""}`;
}

/** The reason goes to logs, the page and the relay. */
function shown(suffix: string): string {
  return JSON.stringify(withoutQuery(suffix));
}

/** Servers of Java cut off what follows a ";" before they climb, others what follows a NUL. */
function isDotSegment(segment: string): boolean {
  const decoded = segment.replace(/%2e/gi, ".").replace(/(;|%3b|%0|%20).*$/i, "");
  return decoded === ".." || decoded === ".";
}
