import { codeAt, putShortest } from "./json_escapes.ts";
import { closing, marks, opening, space } from "./json_marks.ts";
import { type Compact, compactLarge, leastLarge } from "./large_json.ts";

type Bytes = Uint8Array<ArrayBuffer>;

const quote = 0x22;
const slash = 0x2f;
const backslash = 0x5c;
const letterU = 0x75;

/**
 * The JSON value at `start` without white space between tokens and without needless escapes in strings; an object or a
 * list to its end, anything else to the end of the text. Numbers keep their spelling: parsing and printing would turn
 * 1.10 into 1.1 and lose the last digits of a large integer. It is written over the text: a large webhook is not held
 * twice. Never throws.
 */
export function compactJson(bytes: Bytes, start = 0): Compact {
  const large = bytes.length - start >= leastLarge ? compactLarge(bytes, start) : undefined;
  return large ?? compactPlainly(bytes, start);
}

/** The same byte by byte, which for a large text takes longer: `deno task bench large_json`. */
export function compactPlainly(bytes: Bytes, start = 0): Compact {
  const { length } = bytes;
  const copied = { from: start, to: start };
  let depth = 0;
  while (copied.from < length) {
    const byte = bytes[copied.from++] ?? 0;
    const mark = marks[byte];
    if (mark === space) continue;
    bytes[copied.to++] = byte;
    if (byte === quote) copyText(bytes, copied);
    else if (mark === opening) depth++;
    else if (mark === closing && --depth === 0) break;
  }
  return { bytes: bytes.subarray(start, copied.to), end: Math.min(copied.from, length) };
}

/** Where is read and where is written. */
interface Copied {
  from: number;
  to: number;
}

/** A string, from behind its first quote. */
function copyText(bytes: Bytes, copied: Copied): void {
  while (copied.from < bytes.length) {
    const byte = bytes[copied.from] ?? 0;
    if (byte === backslash) {
      copyEscape(bytes, copied);
      continue;
    }
    copied.from++;
    bytes[copied.to++] = byte;
    if (byte === quote) return;
  }
}

/** An escape, from its backslash. */
function copyEscape(bytes: Bytes, copied: Copied): void {
  const letter = bytes[copied.from + 1] ?? 0;
  const code = letter === letterU ? codeAt(bytes, copied.from + 2) : -1;
  if (code !== -1) {
    copied.to = putShortest(bytes, copied.to, code);
    copied.from += code > 0xffff ? 12 : 6;
    return;
  }
  if (letter !== slash) bytes[copied.to++] = backslash;
  if (copied.from + 1 < bytes.length) bytes[copied.to++] = letter;
  copied.from += 2;
}
