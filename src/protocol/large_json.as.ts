/**
 * Looks through JSON texts 64 bytes at a time: what a byte is becomes one bit of a word, and most of a text is dealt with
 * without a look at any single byte. The idea is simdjson's (G. Langdale, D. Lemire, "Parsing Gigabytes of JSON per
 * Second"). AssemblyScript: `deno task wasm` makes large_json_wasm.ts of it. Who calls it is large_json.ts.
 */

const blockBytes: i32 = 64;
const none: u64 = 0;
const all: u64 = ~none;
/** A backslash and a "u". */
const escapeU: u16 = 0x755c;
/** Stands for what is no character. */
const replacement: i32 = 0xfffd;

/** So much of a text at a time is written to `inputAt`; what is compact comes out at `outputAt`. */
export const roomBytes: i32 = 64 * 1024;
const shufflesAt: usize = 1024;
export const inputAt: usize = 4096;
export const outputAt: usize = inputAt + roomBytes + 2 * blockBytes;

let depth: i32 = 0;
/** All bits of it = the block begins in a string. */
let inText: u64 = 0;
/** 1 = a backslash was the last byte of the block before. */
let escaped: u64 = 0;

/** The value is over. */
export let isOver: bool = false;
/** It has white space or an escape in it. */
export let isLoose: bool = false;
/** There is a backslash outside of a string: this is no JSON, and nothing that was found counts. */
export let isBroken: bool = false;
/** How many bytes are at `outputAt`. */
export let written: i32 = 0;

/** For each byte of a mask, which of eight bytes are kept: their places, the first ones first. */
for (let mask = 0; mask < 256; mask++) {
  let to = shufflesAt + (mask << 3);
  for (let place = 0; place < 8; place++) if ((mask >> place) & 1) store<u8>(to++, u8(place));
}

/** Before a value; `text`: it is a string, and what comes first is behind its quote. */
export function begin(text: bool): void {
  depth = 0;
  inText = text ? all : none;
  escaped = 0;
  isOver = false;
  isLoose = false;
  isBroken = false;
}

@inline
function bits(a: v128, b: v128, c: v128, d: v128): u64 {
  return u64(i8x16.bitmask(a)) | (u64(i8x16.bitmask(b)) << 16) |
    (u64(i8x16.bitmask(c)) << 32) | (u64(i8x16.bitmask(d)) << 48);
}

/** Which of the 64 bytes are this one. */
@inline
function equal(at: usize, byte: u8): u64 {
  const wanted = i8x16.splat(byte);
  return bits(
    i8x16.eq(v128.load(at), wanted),
    i8x16.eq(v128.load(at, 16), wanted),
    i8x16.eq(v128.load(at, 32), wanted),
    i8x16.eq(v128.load(at, 48), wanted),
  );
}

@inline
function small(bytes: v128): v128 {
  return v128.or(bytes, i8x16.splat(0x20));
}

/** The same with bit 0x20 set: a bracket and its brace are one. */
@inline
function equalSmall(at: usize, byte: u8): u64 {
  const wanted = i8x16.splat(byte);
  return bits(
    i8x16.eq(small(v128.load(at)), wanted),
    i8x16.eq(small(v128.load(at, 16)), wanted),
    i8x16.eq(small(v128.load(at, 32)), wanted),
    i8x16.eq(small(v128.load(at, 48)), wanted),
  );
}

@inline
function isSpace(bytes: v128): v128 {
  return v128.or(
    v128.or(i8x16.eq(bytes, i8x16.splat(0x20)), i8x16.eq(bytes, i8x16.splat(0x0a))),
    v128.or(i8x16.eq(bytes, i8x16.splat(0x0d)), i8x16.eq(bytes, i8x16.splat(0x09))),
  );
}

@inline
function spaces(at: usize): u64 {
  return bits(
    isSpace(v128.load(at)),
    isSpace(v128.load(at, 16)),
    isSpace(v128.load(at, 32)),
    isSpace(v128.load(at, 48)),
  );
}

/** Of each bit, whether those up to it are odd in number: from a quote on to before the next one. */
@inline
function between(quotes: u64): u64 {
  quotes ^= quotes << 1;
  quotes ^= quotes << 2;
  quotes ^= quotes << 4;
  quotes ^= quotes << 8;
  quotes ^= quotes << 16;
  return quotes ^ (quotes << 32);
}

/** Those of these backslashes that begin an escape, where the first byte of the block may be the second of one. */
@inline
function escapesOf(backslashes: u64): u64 {
  let left = backslashes & ~escaped;
  let starts: u64 = 0;
  while (left != 0) {
    const first = left & -left;
    starts |= first;
    left &= ~(first | (first << 1));
  }
  return starts;
}

/** The first `count` bits. */
@inline
function firstBits(count: i32): u64 {
  return count < blockBytes ? (u64(1) << count) - 1 : all;
}

/** Follows the depth; the bit of the bracket that ends the value, or 0. */
@inline
function endIn(opens: u64, closes: u64): u64 {
  const closing = i32(popcnt(closes));
  // Most blocks close less than is open.
  if (closing < depth) {
    depth += i32(popcnt(opens)) - closing;
    return 0;
  }
  let left = opens | closes;
  while (left != 0) {
    const first = left & -left;
    if ((opens & first) != 0) depth++;
    else if (--depth == 0) return first;
    left &= left - 1;
  }
  return 0;
}

/** Looks for the end of an object or a list, or of a string; the result is how many of the `length` bytes are read. */
export function scan(length: i32, text: bool): i32 {
  for (let i = 0; i < length; i += blockBytes) {
    const at = inputAt + i;
    const valid = firstBits(length - i);
    const backslashes = equal(at, 0x5c) & valid;
    let quotes = equal(at, 0x22) & valid;
    let starts: u64 = 0;
    if ((backslashes | escaped) != 0) {
      starts = escapesOf(backslashes);
      quotes &= ~((starts << 1) | escaped);
      escaped = starts >> 63;
    }
    let end: u64;
    let loose = starts;
    if (text) {
      end = quotes & -quotes;
    } else {
      const within = between(quotes) ^ inText;
      inText = u64(i64(within) >> 63);
      const outside = valid & ~within;
      loose |= spaces(at) & outside;
      end = endIn(equalSmall(at, 0x7b) & outside, equalSmall(at, 0x7d) & outside);
      if ((starts & outside & (end - 1)) != 0) isBroken = true;
    }
    if ((loose & (end - 1)) != 0) isLoose = true;
    if (end != 0) {
      isOver = true;
      return i + i32(ctz(end)) + 1;
    }
  }
  return length;
}

/** Writes those of 64 bytes that are kept; the result is where the next one goes. Writes over what is behind them. */
@inline
function keep(at: usize, kept: u64, to: usize): usize {
  if (kept == all) {
    v128.store(to, v128.load(at));
    v128.store(to, v128.load(at, 16), 16);
    v128.store(to, v128.load(at, 32), 32);
    v128.store(to, v128.load(at, 48), 48);
    return to + blockBytes;
  }
  for (; kept != 0; kept >>= 8, at += 8) {
    const mask = usize(kept & 0xff);
    const places = v128.load64_zero(shufflesAt + (mask << 3));
    v128.store64_lane(to, v128.swizzle(v128.load64_zero(at), places), 0);
    to += popcnt(mask);
  }
  return to;
}

/** Four hexadecimal digits; -1 where there are none. */
function hexAt(at: usize): i32 {
  let code = 0;
  for (let i = 0; i < 4; i++) {
    const byte = i32(load<u8>(at + i));
    const letter = byte | 0x20;
    if (byte >= 0x30 && byte <= 0x39) code = (code << 4) + byte - 0x30;
    else if (letter >= 0x61 && letter <= 0x66) code = (code << 4) + letter - 0x57;
    else return -1;
  }
  return code;
}

/** What `uXXXX` stands for whose digits are at `at`, with the second half of a pair where it follows; -1 = nothing. */
function codeAt(at: usize): i32 {
  const code = hexAt(at);
  if (code < 0xd800 || code > 0xdbff || load<u16>(at + 4) != escapeU) return code;
  const low = hexAt(at + 6);
  return low >= 0xdc00 && low <= 0xdfff ? 0x10000 + ((code - 0xd800) << 10) + low - 0xdc00 : code;
}

/** The letter of the escape for a character that has one; 0 = it has none. */
function letterFor(code: i32): u8 {
  switch (code) {
    case 0x08:
      return 0x62;
    case 0x09:
      return 0x74;
    case 0x0a:
      return 0x6e;
    case 0x0c:
      return 0x66;
    case 0x0d:
      return 0x72;
    case 0x22:
    case 0x5c:
      return u8(code);
    default:
      return 0;
  }
}

/** Writes a character in UTF-8; the result is where the next one goes. */
function putUtf8(to: usize, code: i32): usize {
  if (code < 0x80) {
    store<u8>(to++, u8(code));
    return to;
  }
  if (code < 0x800) {
    store<u8>(to++, u8(0xc0 | (code >> 6)));
  } else {
    if (code < 0x10000) {
      store<u8>(to++, u8(0xe0 | (code >> 12)));
    } else {
      store<u8>(to++, u8(0xf0 | (code >> 18)));
      store<u8>(to++, u8(0x80 | ((code >> 12) & 0x3f)));
    }
    store<u8>(to++, u8(0x80 | ((code >> 6) & 0x3f)));
  }
  store<u8>(to++, u8(0x80 | (code & 0x3f)));
  return to;
}

/** Writes a character in a string as JSON.stringify does; the result is where the next one goes. */
function putShortest(to: usize, code: i32): usize {
  const letter = letterFor(code);
  if (letter != 0) {
    store<u8>(to++, 0x5c);
    store<u8>(to++, letter);
  } else if (code < 0x20 || (code >= 0xd800 && code <= 0xdfff)) {
    store<u16>(to, escapeU);
    to += 2;
    for (let shift = 12; shift >= 0; shift -= 4) {
      const digit = u8((code >> shift) & 0xf);
      store<u8>(to++, digit < 10 ? digit + 0x30 : digit + 0x57);
    }
  } else {
    to = putUtf8(to, code);
  }
  return to;
}

/**
 * Leaves out white space between tokens and needless escapes, up to the end of an object or a list. The result is how
 * many of the bytes are read: where this is not the `last` of the text, what may not be whole is left.
 */
export function compact(length: i32, last: bool): i32 {
  // Nothing that follows the text is taken for a part of it.
  memory.fill(inputAt + length, 0, blockBytes);
  const enough = last ? length : length - blockBytes;
  let to: usize = outputAt;
  let i = 0;
  while (i < length && (last || i <= enough)) {
    const at = inputAt + i;
    let valid = firstBits(length - i);
    const backslashes = equal(at, 0x5c) & valid;
    let quotes = equal(at, 0x22);
    let starts: u64 = 0;
    let shorter: u64 = 0;
    if (backslashes != 0) {
      starts = escapesOf(backslashes);
      // What is escaped stands in the same block, unless the text ends.
      if (starts >> 63 != 0) valid = firstBits(blockBytes - 1);
      quotes &= ~(starts << 1);
      shorter = ((equal(at, 0x75) | equal(at, 0x2f)) & valid) >> 1 & starts;
      if (shorter != 0) valid &= (shorter & -shorter) - 1;
    }
    const within = between(quotes & valid) ^ inText;
    const outside = valid & ~within;
    const end = endIn(equalSmall(at, 0x7b) & outside, equalSmall(at, 0x7d) & outside);
    if (end != 0) valid &= end | (end - 1);
    if ((starts & outside & valid) != 0) isBroken = true;
    to = keep(at, valid & ~(spaces(at) & outside), to);
    const read = i32(popcnt(valid));
    i += read;
    if (end != 0) {
      isOver = true;
      break;
    }
    if (read > 0) inText = ((within >> (read - 1)) & 1) != 0 ? all : none;
    if (shorter == 0) continue;
    if (inText == 0) {
      isBroken = true;
      break;
    }
    if (!last && i > enough) break;
    do {
      const code = load<u8>(inputAt + i, 1) == 0x75 ? codeAt(inputAt + i + 2) : -1;
      if (code >= 0) {
        to = putShortest(to, code);
        i += code > 0xffff ? 12 : 6;
      } else {
        const letter = load<u8>(inputAt + i, 1);
        if (letter != 0x2f) store<u8>(to++, 0x5c);
        store<u8>(to++, letter);
        i += 2;
      }
    } while (load<u16>(inputAt + i) == escapeU && i <= enough);
  }
  written = i32(to - outputAt);
  return i;
}

/** What the escape with this letter stands for; 0 = it is none with one letter. */
function meaningOf(letter: u8): u8 {
  switch (letter) {
    case 0x62:
      return 0x08;
    case 0x74:
      return 0x09;
    case 0x6e:
      return 0x0a;
    case 0x66:
      return 0x0c;
    case 0x72:
      return 0x0d;
    default:
      return 0;
  }
}

/**
 * Writes what a string stands for, its quotes not among the bytes. The result is how many of these are read: where this
 * is not the `last` of the string, what may not be whole is left.
 */
export function unescape(length: i32, last: bool): i32 {
  memory.fill(inputAt + length, 0, blockBytes);
  const enough = last ? length : length - blockBytes;
  let to: usize = outputAt;
  let i = 0;
  while (i < length && (last || i <= enough)) {
    const at = inputAt + i;
    let valid = firstBits(length - i);
    const backslashes = equal(at, 0x5c) & valid;
    if (backslashes == 0) {
      to = keep(at, valid, to);
      i += i32(popcnt(valid));
      continue;
    }
    const starts = escapesOf(backslashes);
    if (starts >> 63 != 0) valid = firstBits(blockBytes - 1);
    // Of most escapes the second byte is what they stand for.
    const same = (equal(at, 0x22) | equal(at, 0x5c) | equal(at, 0x2f)) & valid;
    const other = starts & valid & ~(same >> 1);
    if (other != 0) valid &= (other & -other) - 1;
    to = keep(at, valid & ~starts, to);
    i += i32(popcnt(valid));
    if (other == 0) continue;
    if (!last && i > enough) break;
    const letter = load<u8>(inputAt + i, 1);
    const meaning = meaningOf(letter);
    const code = letter == 0x75 ? codeAt(inputAt + i + 2) : -1;
    if (meaning != 0) store<u8>(to++, meaning);
    else if (code >= 0) to = putUtf8(to, code >= 0xd800 && code <= 0xdfff ? replacement : code);
    i += code < 0 ? 2 : code > 0xffff ? 12 : 6;
  }
  written = i32(to - outputAt);
  return i;
}
