/** In place of what is not shown. */
export const redacted = "[redacted]";

/** How deep strings with JSON in them are looked into: whoever sends a body could make that take long. */
const maxLevels = 4;

const escapes: Readonly<Record<string, string>> = { b: "\b", f: "\f", n: "\n", r: "\r", t: "\t" };

type IsSecret = (name: string) => boolean;

/** What a JSON text is made of, valid or not: strings, of which the last may be cut, marks, gaps and words. */
const tokens = /"[^"\\]*(?:\\[^][^"\\]*)*"?|[{}[\],:]|\s+|[^\s"{}[\],:]+/g;

/**
 * A body of which nothing is shown that a secret name stands for: a member of JSON at any depth, also of JSON within a
 * string, or a field of a form. The rest stays character by character; so does a text of another kind. It may be
 * cut anywhere.
 */
export function maskText(text: string, isSecret: IsSecret): string {
  if (beginsAsJson(text)) return maskJson(text, isSecret);
  return /^[^\s=&]*=\S*\s*$/.test(text) ? maskPairs(text, isSecret) : text;
}

/** The same of a query or a form, from its first name on. */
export function maskPairs(text: string, isSecret: IsSecret): string {
  return text.split("&").map((pair) => {
    if (pair === "") return pair;
    const [written = ""] = pair.split("=", 1);
    const [[name, value] = ["", ""]] = new URLSearchParams(pair);
    if (isSecret(name)) return `${written}=${redacted}`;
    if (!beginsAsJson(value)) return pair;
    const masked = maskJson(value, isSecret);
    return masked === value ? pair : `${written}=${encodeURIComponent(masked)}`;
  }).join("&");
}

function beginsAsJson(text: string): boolean {
  return /^\s*["{[]/.test(text);
}

function maskJson(text: string, isSecret: IsSecret, levels = maxLevels): string {
  let masked = "";
  /** What stood before the token, gaps aside. */
  let before = "";
  /** Brackets that are open in a value that is not shown. */
  let depth: number | undefined;
  for (const [token] of text.matchAll(tokens)) {
    const isGap = token.trim() === "";
    if (depth === undefined || (isGap && depth === 0)) {
      masked += token.startsWith('"') ? maskString(token, isSecret, levels) : token;
      if (token === ":" && before.startsWith('"') && isSecret(read(before))) depth = 0;
    } else {
      if (token === "{" || token === "[") depth++;
      else if (token === "}" || token === "]") depth--;
      if (depth <= 0) {
        masked += JSON.stringify(redacted);
        depth = undefined;
      }
    }
    if (!isGap) before = token;
  }
  return depth === undefined ? masked : masked + JSON.stringify(redacted);
}

/** A string as it stands in JSON, in which there may be JSON. */
function maskString(token: string, isSecret: IsSecret, levels: number): string {
  if (levels === 0 || !/^"(?:\s*["{[]|\\)/.test(token)) return token;
  const text = read(token);
  if (!beginsAsJson(text)) return token;
  const masked = maskJson(text, isSecret, levels - 1);
  return masked === text ? token : JSON.stringify(masked);
}

/** What a string stands for, or as much of it as there is. */
function read(token: string): string {
  const isWhole = /^"[^"\\]*(?:\\[^][^"\\]*)*"$/.test(token);
  const inside = token.slice(1, isWhole ? -1 : undefined);
  // Not by JSON.parse: a body of strings that are none would be an error for each.
  return inside.replace(
    /\\(?:u([0-9a-fA-F]{4})|([^]))/g,
    (_, code?: string, char = "") =>
      code ? String.fromCharCode(parseInt(code, 16)) : escapes[char] ?? char,
  );
}
