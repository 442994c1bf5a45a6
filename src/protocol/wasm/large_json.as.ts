/**
 * Looks through JSON texts 64 bytes at a time: what a byte is becomes one bit of a word, and most of a text is dealt with
 * without a look at any single byte. The idea is simdjson's (G. Langdale, D. Lemire, "Parsing Gigabytes of JSON per
 * Second"). AssemblyScript: `deno task wasm` makes ../large_json_wasm.ts of it. Who calls it is
 * ../large_json.ts.
 */

import {
  all,
  between,
  blockBytes,
  equal,
  equalSmall,
  firstBits,
  inputAt,
  keep,
  none,
  outputAt,
  spaces,
} from "./blocks.as";
import { codeAt, escapeU, meaningOf, putShortest, putUtf8, replacement } from "./escapes.as";

export { inputAt, outputAt, roomBytes } from "./blocks.as";

let depth: i32 = 0;
/** All bits of it = the block begins in a string. */
let inText: u64 = 0;
/** 1 = a backslash was the last byte of the block before. */
let escaped: u64 = 0;

/** The value is over. */
export let isOver: bool = false;
/** It has white space or an escape in it. */
export let isLoose: bool = false;
/** Of `scan`: there is a backslash outside of a string. This is no JSON, and nothing that was found counts. */
export let isBroken: bool = false;
/** How many bytes are at `outputAt`. */
export let written: i32 = 0;
/** Where the next one goes. */
let to: usize = outputAt;

/** Before a value; `text`: it is a string, and what comes first is behind its quote. */
export function begin(text: bool): void {
  depth = 0;
  inText = text ? all : none;
  escaped = 0;
  isOver = false;
  isLoose = false;
  isBroken = false;
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

/**
 * Writes a value anew: an object or a list up to its end, without white space between tokens and needless escapes; or, of a
 * `text`, what the string stands for, its quotes not among the bytes. The result is how many of the bytes are read: where
 * this is not the `last` of the value, what may not be whole is left.
 */
export function rewrite(length: i32, last: bool, text: bool): i32 {
  // Nothing that follows the bytes is taken for a part of them.
  memory.fill(inputAt + length, 0, blockBytes);
  const enough = last ? length : length - blockBytes;
  to = outputAt;
  let i = 0;
  while (i < length && (last || i <= enough)) {
    const at = inputAt + i;
    let valid = firstBits(length - i);
    const backslashes = equal(at, 0x5c) & valid;
    let starts: u64 = 0;
    if (backslashes != 0) {
      starts = escapesOf(backslashes);
      // What is escaped stands in the same block, unless the value ends.
      if (starts >> 63 != 0) valid = firstBits(blockBytes - 1);
    }
    const read = text ? textBlock(at, valid, starts) : valueBlock(at, valid, starts);
    i += i32(popcnt(read));
    if (isOver) break;
    // Where not all is read, an escape follows that is not written as it stands,
    if (read == valid || (!last && i > enough)) continue;
    // or a backslash outside of a string, which begins none.
    if (!text && inText == 0) {
      store<u8>(to++, load<u8>(inputAt + i++));
      continue;
    }
    do i += text ? escapeMeant(inputAt + i) : escapeShortened(inputAt + i);
    while (load<u16>(inputAt + i) == escapeU && i <= enough);
  }
  written = i32(to - outputAt);
  return i;
}

/** The bits before the first one that is set. */
@inline
function before(bits: u64): u64 {
  return (bits & -bits) - 1;
}

/** Which of these bytes are read. */
@inline
function valueBlock(at: usize, valid: u64, starts: u64): u64 {
  let read = valid;
  let quotes = equal(at, 0x22);
  if (starts != 0) {
    quotes &= ~(starts << 1);
    read &= before(((equal(at, 0x75) | equal(at, 0x2f)) & valid) >> 1 & starts);
  }
  const within = between(quotes & read) ^ inText;
  if (starts != 0) read &= before(starts & read & ~within);
  const outside = read & ~within;
  const end = endIn(equalSmall(at, 0x7b) & outside, equalSmall(at, 0x7d) & outside);
  if (end != 0) {
    isOver = true;
    read &= end | (end - 1);
  }
  to = keep(at, read & ~(spaces(at) & outside), to);
  const count = i32(popcnt(read));
  if (count > 0) inText = ((within >> (count - 1)) & 1) != 0 ? all : none;
  return read;
}

/** Which of these bytes are read. */
@inline
function textBlock(at: usize, valid: u64, starts: u64): u64 {
  let read = valid;
  if (starts != 0) {
    // Of most escapes the second byte is what they stand for.
    const same = (equal(at, 0x22) | equal(at, 0x5c) | equal(at, 0x2f)) & valid;
    read &= before(starts & valid & ~(same >> 1));
  }
  to = keep(at, read & ~starts, to);
  return read;
}

/** Writes an escape as short as it may be; the result is how many bytes it has. */
function escapeShortened(at: usize): i32 {
  const letter = load<u8>(at, 1);
  const code = letter == 0x75 ? codeAt(at + 2) : -1;
  if (code >= 0) {
    to = putShortest(to, code);
  } else {
    if (letter != 0x2f) store<u8>(to++, 0x5c);
    store<u8>(to++, letter);
  }
  return escapeBytes(code);
}

/** Writes what an escape stands for; the result is how many bytes it has. */
function escapeMeant(at: usize): i32 {
  const letter = load<u8>(at, 1);
  const meaning = meaningOf(letter);
  const code = letter == 0x75 ? codeAt(at + 2) : -1;
  if (meaning != 0) store<u8>(to++, meaning);
  else if (code >= 0) to = putUtf8(to, code >= 0xd800 && code <= 0xdfff ? replacement : code);
  return escapeBytes(code);
}

/** Of one by its code; -1 = it is a letter. */
@inline
function escapeBytes(code: i32): i32 {
  return code < 0 ? 2 : code > 0xffff ? 12 : 6;
}
