/**
 * The same JSON text without white space between tokens and without needless escapes in strings.
 * Numbers keep their spelling: parsing and printing would turn 1.10 into 1.1 and lose the last digits
 * of a large integer. `text` must be valid JSON.
 */
export function compactJson(text: string): string {
  const parts: string[] = [];
  let start = 0;
  let i = 0;
  let escape = text.indexOf("\\");
  while (i < text.length) {
    const code = text.charCodeAt(i);
    if (code === 0x22) {
      const end = endOfString(text, i);
      if (escape !== -1 && escape < i) escape = text.indexOf("\\", i);
      if (escape !== -1 && escape < end) {
        parts.push(text.slice(start, i), JSON.stringify(JSON.parse(text.slice(i, end))));
        start = end;
      }
      i = end;
    } else if (isWhiteSpace(code)) {
      parts.push(text.slice(start, i));
      while (isWhiteSpace(text.charCodeAt(i))) i++;
      start = i;
    } else {
      i++;
    }
  }
  parts.push(text.slice(start));
  return parts.join("");
}

/** The escapes of the characters met so far: most texts use few. */
const escapes = new Map<number, string>();
const maxEscapes = 4_096;

/** The same JSON text with everything beyond ASCII escaped. */
export function asciiJson(text: string): string {
  return text.replace(/[^\0-\x7f]+/g, (run) => {
    let escaped = "";
    for (let i = 0; i < run.length; i++) escaped += escapeOf(run.charCodeAt(i));
    return escaped;
  });
}

function escapeOf(code: number): string {
  const known = escapes.get(code);
  if (known !== undefined) return known;
  const escape = `\\u${code.toString(16).padStart(4, "0")}`;
  if (escapes.size < maxEscapes) escapes.set(code, escape);
  return escape;
}

/**
 * The text of one member of a JSON object, as it stands in `text`, or undefined when there is none.
 * The last one counts where a name is repeated, as in JSON.parse. `text` must be a valid JSON object.
 */
export function memberText(text: string, name: string): string | undefined {
  let found: string | undefined;
  let i = text.indexOf("{") + 1;
  for (;;) {
    i = skip(text, i, (code) => isWhiteSpace(code) || code === 0x2c);
    if (text.charCodeAt(i) !== 0x22) return found;
    const endOfName = endOfString(text, i);
    const key = JSON.parse(text.slice(i, endOfName));
    i = skip(text, endOfName, (code) => isWhiteSpace(code) || code === 0x3a);
    const end = endOfValue(text, i);
    if (key === name) found = text.slice(i, end).trimEnd();
    i = end;
  }
}

/** The texts of the first elements of a JSON array, at most `max`. `text` must be a valid JSON array. */
export function elementTexts(text: string, max = Infinity): string[] {
  const elements: string[] = [];
  let i = text.indexOf("[") + 1;
  for (;;) {
    i = skip(text, i, (code) => isWhiteSpace(code) || code === 0x2c);
    const isOver = i >= text.length || text.charCodeAt(i) === 0x5d;
    if (isOver || elements.length >= max) return elements;
    const end = endOfValue(text, i);
    elements.push(text.slice(i, end).trimEnd());
    i = end;
  }
}

function isWhiteSpace(code: number): boolean {
  return code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09;
}

function skip(text: string, from: number, skipped: (code: number) => boolean): number {
  let i = from;
  while (i < text.length && skipped(text.charCodeAt(i))) i++;
  return i;
}

/** `start` is at the opening quote; the result is behind the closing one. */
function endOfString(text: string, start: number): number {
  let quote = start;
  for (;;) {
    quote = text.indexOf('"', quote + 1);
    if (quote === -1) return text.length;
    let backslashes = 0;
    while (text.charCodeAt(quote - 1 - backslashes) === 0x5c) backslashes++;
    if (backslashes % 2 === 0) return quote + 1;
  }
}

function endOfValue(text: string, start: number): number {
  let depth = 0;
  let i = start;
  while (i < text.length) {
    const code = text.charCodeAt(i);
    if (code === 0x22) {
      i = endOfString(text, i);
      continue;
    }
    if (code === 0x7b || code === 0x5b) depth++;
    else if (code === 0x7d || code === 0x5d) {
      if (depth === 0) return i;
      depth--;
    } else if (code === 0x2c && depth === 0) return i;
    i++;
  }
  return i;
}
