/** What the strings of JSON stand for, and their escapes (RFC 8259 section 7); on bytes, in UTF-8. Nothing here throws. */

import { leastLarge, unescapeLarge } from "./large_json.ts";
import { lenientText } from "./lenient_text.ts";

type Bytes = Uint8Array<ArrayBuffer>;

const quote = 0x22;
const backslash = 0x5c;
const letterU = 0x75;

/** Stands for what is no character: U+FFFD. */
const replacement = 0xfffd;

/**
 * What the literal of a string stands for, in UTF-8, written over it; undefined when it is none; not `isLoose`: it has no
 * escapes. Lone surrogates become U+FFFD.
 */
export function stringBytes(bytes: Bytes, isLoose: boolean): Bytes | undefined {
  const last = bytes.length - 1;
  if (last < 1 || bytes[0] !== quote || bytes[last] !== quote) return undefined;
  if (!isLoose) return bytes.subarray(1, last);
  const inside = bytes.subarray(1, last);
  const large = inside.length >= leastLarge ? unescapeLarge(inside) : undefined;
  return large ?? unescapePlainly(inside);
}

/** The same byte by byte, of what is between the quotes. */
export function unescapePlainly(bytes: Bytes): Bytes {
  let length = 0;
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i] ?? 0;
    if (byte !== backslash) {
      bytes[length++] = byte;
      continue;
    }
    const simple = meanings[bytes[i + 1] ?? 0] ?? 0;
    if (simple !== 0) {
      bytes[length++] = simple;
      i++;
      continue;
    }
    const code = bytes[i + 1] === letterU ? codeAt(bytes, i + 2) : -1;
    if (code !== -1) length = putUtf8(bytes, length, isSurrogate(code) ? replacement : code);
    i += code === -1 ? 1 : code > 0xffff ? 11 : 5;
  }
  return bytes.subarray(0, length);
}

/** Of the escapes with one letter, by it; 0 = it is none. */
const meanings = new Uint8Array(256);
for (const [letter, char] of Object.entries({ b: "\b", f: "\f", n: "\n", r: "\r", t: "\t" })) {
  meanings[letter.charCodeAt(0)] = char.charCodeAt(0);
}
for (const char of '"\\/') meanings[char.charCodeAt(0)] = char.charCodeAt(0);

/** The letter of the escape for a character that has one; 0 = it has none. */
const letters = new Uint8Array(0x80);
for (const letter of 'bfnrt"\\') {
  letters[meanings[letter.charCodeAt(0)] ?? 0] = letter.charCodeAt(0);
}

/** What `uXXXX` stands for whose digits are at `at`, with the second half of a pair where it follows; -1 = nothing. */
export function codeAt(bytes: Bytes, at: number): number {
  const code = hexAt(bytes, at);
  if (code < 0xd800 || code > 0xdbff) return code;
  const isPaired = bytes[at + 4] === backslash && bytes[at + 5] === letterU;
  const low = isPaired ? hexAt(bytes, at + 6) : -1;
  return low >= 0xdc00 && low <= 0xdfff ? 0x10000 + ((code - 0xd800) << 10) + low - 0xdc00 : code;
}

function isSurrogate(code: number): boolean {
  return code >= 0xd800 && code <= 0xdfff;
}

/** Writes a character in a string as JSON.stringify does; the result is where the next one goes. */
export function putShortest(out: Bytes, at: number, code: number): number {
  const letter = letters[code] ?? 0;
  if (letter === 0 && code >= 0x20 && !isSurrogate(code)) return putUtf8(out, at, code);
  out[at++] = backslash;
  out[at++] = letter === 0 ? letterU : letter;
  if (letter !== 0) return at;
  for (let shift = 12; shift >= 0; shift -= 4) {
    out[at++] = hexDigits.charCodeAt(code >> shift & 0xf);
  }
  return at;
}

const hexDigits = "0123456789abcdef";

/** Writes a character in UTF-8 (RFC 3629 section 3); the result is where the next one goes. */
function putUtf8(out: Bytes, at: number, code: number): number {
  if (code < 0x80) {
    out[at++] = code;
    return at;
  }
  if (code < 0x800) {
    out[at++] = 0xc0 | code >> 6;
  } else {
    if (code < 0x10000) {
      out[at++] = 0xe0 | code >> 12;
    } else {
      out[at++] = 0xf0 | code >> 18;
      out[at++] = 0x80 | code >> 12 & 0x3f;
    }
    out[at++] = 0x80 | code >> 6 & 0x3f;
  }
  out[at++] = 0x80 | code & 0x3f;
  return at;
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
