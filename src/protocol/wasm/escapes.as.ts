/** Escapes in strings of JSON (RFC 8259 section 7), byte by byte. As json_escapes.ts has them. */

/** A backslash and a "u". */
export const escapeU: u16 = 0x755c;
/** Stands for what is no character. */
export const replacement: i32 = 0xfffd;

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
export function codeAt(at: usize): i32 {
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
export function putUtf8(to: usize, code: i32): usize {
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
export function putShortest(to: usize, code: i32): usize {
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

/** What the escape with this letter stands for; 0 = it is none with one letter. */
export function meaningOf(letter: u8): u8 {
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
