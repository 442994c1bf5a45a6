import { utf8Beginning } from "./body_text.ts";
import { maskPairs, maskText, redacted } from "./mask_text.ts";

type Headers = readonly (readonly [name: string, value: string])[];

export interface Redact {
  headers(headers: Headers): Headers;
  /** Values in the query. */
  path(path: string): string;
  /** Values in JSON and in forms; `isCut`: it is the beginning of a body. What is no text is left as it is. */
  body(bytes: Uint8Array, isCut: boolean): Uint8Array;
}

/** Of a path or a URL what may be shown anywhere: secrets stand in queries. */
export function withoutQuery(path: string): string {
  const mark = path.search(/[?#]/);
  return mark === -1 ? path : path.slice(0, mark);
}

/** What others wrote, without the parts of the path of a URL whose path is a secret. */
export function withoutPathOf({ pathname }: URL, text: string): string {
  return pathname.split("/").flatMap((part) => [part, decoded(part)])
    .filter((part) => part !== "")
    .toSorted((a, b) => b.length - a.length)
    .reduce((rest, part) => rest.replaceAll(part, "***"), text);
}

/**
 * Hides the values of headers, query parameters, and members and fields of bodies, whose name fits one of the
 * patterns; `*` stands for anything.
 */
export function redactBy(patterns: string): Redact {
  const fitters = patterns.split(",").map((pattern) => pattern.trim().toLowerCase())
    .filter((pattern) => pattern !== "").map(fitter);
  const isSecret = (name: string) => {
    const small = name.toLowerCase();
    return fitters.some((fits) => fits(small));
  };
  return {
    headers: (headers) =>
      headers.map(([name, value]) => [name, isSecret(name) ? redacted : value] as const),
    path(path) {
      const mark = path.indexOf("?");
      if (mark === -1) return path;
      return `${path.slice(0, mark)}?${maskPairs(path.slice(mark + 1), isSecret)}`;
    },
    body(bytes, isCut) {
      const text = utf8Beginning(bytes, isCut);
      if (text === undefined) return bytes;
      const masked = maskText(text, isSecret);
      return masked === text ? bytes : new TextEncoder().encode(masked);
    },
  };
}

/** Whether a name fits a pattern, in a time that grows with the name alone: senders choose it. */
function fitter(pattern: string): (name: string) => boolean {
  const [first = "", ...others] = pattern.split("*");
  const last = others.pop();
  if (last === undefined) return (name) => name === first;
  return (name) => {
    let at = first.length;
    if (!name.startsWith(first) || name.length < at + last.length || !name.endsWith(last)) {
      return false;
    }
    for (const part of others) {
      const found = name.indexOf(part, at);
      if (found === -1) return false;
      at = found + part.length;
    }
    return at <= name.length - last.length;
  };
}

function decoded(name: string): string {
  try {
    return decodeURIComponent(name);
  } catch {
    return name;
  }
}
