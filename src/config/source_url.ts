import { isForbiddenAddress } from "../protocol/forbidden_address.ts";
import { bareHost, isLoopback } from "./host.ts";

const metadataNames = new Set(["metadata", "metadata.google.internal", "metadata.goog"]);

/** The relay's URL as http(s), without a trailing slash, or what is wrong with it. */
export function readSourceUrl(given: string, allowInsecure: boolean): URL | string {
  const url = URL.parse(given.replace(/^ws(s?):/i, "http$1:"));
  if (!url || !/^https?:$/.test(url.protocol)) return "use a URL with http, https, ws or wss";
  if (url.username || url.password) return "must not hold a user name or password";
  if (url.search || url.hash) return "must not have a query or a fragment";
  if (/^\.|\.\./.test(url.hostname)) return "must have a host name without empty parts";
  const host = bareHost(url.hostname);
  if (metadataNames.has(host) || isForbiddenAddress(host)) {
    return "is a link-local, metadata or otherwise reserved address";
  }
  if (url.protocol === "http:" && !isLoopback(host) && !allowInsecure) {
    return "is not encrypted; use https, or set allow_insecure if that is what you want";
  }
  url.pathname = url.pathname.replace(/\/+$/, "");
  const [, path] = /^(.*)\/webhook\/[^/]+$/.exec(url.pathname) ?? [];
  if (path !== undefined) return `is where webhooks are sent; use ${url.origin}${path}`;
  return url;
}

/** A URL whose path is a secret, as people and logs may see it. */
export function withoutPath(url: URL): URL {
  return new URL("/***", url);
}
