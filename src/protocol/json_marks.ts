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
