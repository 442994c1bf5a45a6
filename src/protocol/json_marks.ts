/** What a byte of a JSON text is, outside of strings (RFC 8259 section 2). */

export const opening = 1;
export const closing = 2;
export const separator = 3;
export const space = 4;

/** By the byte; 0 = part of a number or a word, or a quote. */
export const marks = new Uint8Array(256);
for (
  const [mark, chars] of [
    [opening, "{["],
    [closing, "}]"],
    [separator, ",:"],
    [space, " \n\r\t"],
  ] as const
) for (const char of chars) marks[char.charCodeAt(0)] = mark;

/**
 * Where in these four bytes, the first of them lowest, a quote or a backslash is: the lowest bit that is set belongs to
 * the first of them; 0 = nowhere. What is equal becomes zero, and a zero byte is told from others by four operations
 * (S. E. Anderson, "Bit Twiddling Hacks").
 */
export function textEnds(word: number): number {
  const quotes = word ^ 0x22222222;
  const backslashes = word ^ 0x5c5c5c5c;
  const zeros = ((quotes - 0x01010101) & ~quotes) | ((backslashes - 0x01010101) & ~backslashes);
  return zeros & 0x80808080;
}

/** Which byte of a word, 0 to 3, the lowest bit that is set belongs to. */
export function firstByte(bits: number): number {
  return (31 - Math.clz32(bits & -bits)) >> 3;
}
