import type { Redact } from "../protocol/redact.ts";
import { isOnlyReferences } from "./references.ts";

const maxShown = 200;

/** A value for a message: as JSON, cut when it is long, without the credentials of a URL. */
export function shown(value: unknown): string {
  const text = withoutLogin(JSON.stringify(value) ?? "nothing");
  return text.length > maxShown ? `${text.slice(0, maxShown)}…` : text;
}

/** The text with *** for what stands before the host of a URL; a reference there may hold slashes. */
export function withoutLogin(text: string): string {
  return text.replace(/(:\/\/)(?:\$\{[^}]*\}|(?!\$\{)[^/\s"])*@/g, "$1***@");
}

/** A target's URL without the secrets in its query. What is a reference, and nothing else, stays. */
export function shownUrl(url: string, redact: Redact): string {
  const hidden = redact.path(url).split("&");
  return url.split("&")
    .map((pair, i) => isOnlyReferences(pair.slice(pair.indexOf("=") + 1)) ? pair : hidden[i])
    .join("&");
}
