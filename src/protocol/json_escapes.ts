/** JSON texts written shorter, and what their strings stand for (RFC 8259 section 7); on bytes, in UTF-8. Nothing here throws. */

import { closing, firstByte, marks, opening, space, stringStart, textEnds } from "./json_marks.ts";
import { lenientText } from "./lenient_text.ts";

type Bytes = Uint8Array<ArrayBuffer>;

const quote = 0x22;
const slash = 0x2f;
const backslash = 0x5c;
const letterU = 0x75;

const encoder = new TextEncoder();

/** A value that was made compact. */
export interface Compact {
  readonly bytes: Bytes;
  /** Where in the text it ended. */
  readonly end: number;
}

/**
 * The JSON value at `start` without white space between tokens and without needless escapes in strings; an object or a
 * list to its end, anything else to the end of the text. Numbers keep their spelling: parsing and printing would turn
 * 1.10 into 1.1 and lose the last digits of a large integer.
 */
export function compactJson(bytes: Bytes, start = 0): Compact {
  const { length } = bytes;
  const out = new Uint8Array(length - start);
  const from = new DataView(bytes.buffer, bytes.byteOffset, length);
  const to = new DataView(out.buffer);
  const lastWord = length - 4;
  let written = 0;
  let depth = 0;
  let i = start;
  while (i < length) {
    let byte = bytes[i++] ?? 0;
    const mark = marks[byte] ?? 0;
    if (mark === space) continue;
    out[written++] = byte;
    if (mark === stringStart) {
      while (i < length) {
        while (i <= lastWord) {
          // All four, though an end may be among them: what follows it is written over.
          const word = from.getInt32(i, true);
          to.setInt32(written, word, true);
          const ends = textEnds(word);
          const taken = ends === 0 ? 4 : firstByte(ends);
          i += taken;
          written += taken;
          if (ends !== 0) break;
        }
        byte = bytes[i++] ?? 0;
        if (byte === backslash) {
          const next = bytes[i] ?? 0;
          if (next !== slash && meanings[next] !== 0) {
            out[written++] = byte;
            out[written++] = next;
            i++;
            continue;
          }
          const escape = escapeAt(bytes, i - 1);
          for (let n = 0; n < escape.bytes.length; n++) out[written++] = escape.bytes[n] ?? 0;
          i += escape.length - 1;
          continue;
        }
        out[written++] = byte;
        if (byte === quote) break;
      }
    } else if (mark === opening) {
      depth++;
    } else if (mark === closing && --depth === 0) {
      break;
    }
  }
  return { bytes: out.subarray(0, written), end: Math.min(i, length) };
}

/** What the literal of a string stands for, in UTF-8; undefined when it is none; not `isLoose`: it has no escapes. Lone surrogates become U+FFFD. */
export function stringBytes(bytes: Bytes, isLoose: boolean): Bytes | undefined {
  const last = bytes.length - 1;
  if (last < 1 || bytes[0] !== quote || bytes[last] !== quote) return undefined;
  if (!isLoose) return bytes.subarray(1, last);
  const out = new Uint8Array(bytes.length);
  let length = 0;
  for (let i = 1; i < last; i++) {
    const byte = bytes[i] ?? 0;
    if (byte !== backslash) {
      out[length++] = byte;
      continue;
    }
    const simple = meanings[bytes[i + 1] ?? 0] ?? 0;
    if (simple !== 0) {
      out[length++] = simple;
      i++;
      continue;
    }
    const escape = escapeAt(bytes, i);
    const meant = meaningOf(escape.bytes);
    for (let n = 0; n < meant.length; n++) out[length++] = meant[n] ?? 0;
    i += escape.length - 1;
  }
  return out.subarray(0, length);
}

/** Of the escapes with one letter, by it; 0 = it is none. */
const meanings = new Uint8Array(256);
for (const [letter, char] of Object.entries({ b: "\b", f: "\f", n: "\n", r: "\r", t: "\t" })) {
  meanings[letter.charCodeAt(0)] = char.charCodeAt(0);
}
for (const char of '"\\/') meanings[char.charCodeAt(0)] = char.charCodeAt(0);

/** An escape that is written shortest: the character it stands for. */
function meaningOf(shortest: Bytes): Bytes {
  if (shortest[0] !== backslash) return shortest;
  const simple = meanings[shortest[1] ?? 0] ?? 0;
  return simple !== 0
    ? Uint8Array.of(simple)
    : encoder.encode(String(unescaped(quoted(shortest)) ?? ""));
}

function quoted(bytes: Bytes): Bytes {
  return Uint8Array.of(quote, ...bytes, quote);
}

/** An escape at its backslash: how long it is, and how it is written shortest. */
function escapeAt(bytes: Bytes, at: number): { length: number; bytes: Bytes } {
  const next = bytes[at + 1];
  if (next === slash) return { length: 2, bytes: bytes.subarray(at + 1, at + 2) };
  const code = next === letterU ? hexAt(bytes, at + 2) : -1;
  if (code === -1) return { length: 2, bytes: bytes.subarray(at, at + 2) };
  const isPaired = code >= 0xd800 && code <= 0xdbff && bytes[at + 6] === backslash &&
    bytes[at + 7] === letterU;
  const low = isPaired ? hexAt(bytes, at + 8) : -1;
  if (low >= 0xdc00 && low <= 0xdfff) {
    return { length: 12, bytes: encoder.encode(String.fromCharCode(code, low)) };
  }
  return { length: 6, bytes: shortest(code) };
}

/** Those met so far: most texts use few. */
const known = new Map<number, Bytes>();
const maxKnown = 4_096;

/** A character in a string, written as JSON.stringify writes it. */
function shortest(code: number): Bytes {
  const before = known.get(code);
  if (before) return before;
  const made = encoder.encode(JSON.stringify(String.fromCharCode(code)).slice(1, -1));
  if (known.size < maxKnown) known.set(code, made);
  return made;
}

/** Four hexadecimal digits; -1 where there are none. */
function hexAt(bytes: Bytes, at: number): number {
  let code = 0;
  for (let i = at; i < at + 4; i++) {
    const byte = bytes[i] ?? 0;
    const small = byte | 0x20;
    if (byte >= 0x30 && byte <= 0x39) code = code * 16 + byte - 0x30;
    else if (small >= 0x61 && small <= 0x66) code = code * 16 + small - 0x57;
    else return -1;
  }
  return code;
}

/** The text of a literal, by JSON.parse; undefined when it is none. */
export function unescaped(written: Bytes): unknown {
  try {
    return JSON.parse(lenientText(written));
  } catch {
    return undefined;
  }
}
