/** The fields of a stream of events (WHATWG HTML, section 9.2), each a line of its bytes from `start` to `end`. */
import { lenientText } from "./lenient_text.ts";

type Bytes = Uint8Array<ArrayBuffer>;

const colon = 0x3a;
const space = 0x20;
/** The length of "data". */
export const dataBytes = 4;
/** A text of so many bytes is made faster here than by a decoder. */
const shortBytes = 24;

/** Behind the colon at `at` and the one space that may follow it. */
export function valueStart(bytes: Bytes, at: number, end: number): number {
  if (at >= end) return end;
  return at + 1 < end && bytes[at + 1] === space ? at + 2 : at + 1;
}

/** The name alone, or the name, a colon and anything. */
export function isField(name: Uint8Array, bytes: Bytes, start: number, end: number): boolean {
  for (let i = 0; i < name.length; i++) if (bytes[start + i] !== name[i]) return false;
  const nameEnd = start + name.length;
  return nameEnd === end || (nameEnd < end && bytes[nameEnd] === colon);
}

/** The same for "data", which most lines are. */
export function isData(bytes: Bytes, start: number, end: number): boolean {
  const nameEnd = start + dataBytes;
  return bytes[start + 1] === 0x61 && bytes[start + 2] === 0x74 && bytes[start + 3] === 0x61 &&
    (nameEnd === end || (nameEnd < end && bytes[nameEnd] === colon));
}

export function hasNul(bytes: Bytes, start: number, end: number): boolean {
  for (let i = start; i < end; i++) if (bytes[i] === 0) return true;
  return false;
}

/** The text behind the colon at `at`, without the one space that may follow it; it may be the one `before`. */
export function valueOf(bytes: Bytes, at: number, end: number, before = ""): string {
  const start = valueStart(bytes, at, end);
  if (before.length === end - start && isText(before, bytes, start)) return before;
  if (end - start > shortBytes) return lenientText(bytes.subarray(start, end));
  let text = "";
  for (let i = start; i < end; i++) {
    const byte = bytes[i] ?? 0;
    if (byte >= 0x80) return lenientText(bytes.subarray(start, end));
    text += String.fromCharCode(byte);
  }
  return text;
}

/** Whether the text is ASCII and stands there. */
function isText(text: string, bytes: Bytes, start: number): boolean {
  for (let i = 0; i < text.length; i++) {
    const byte = bytes[start + i] ?? 0;
    if (byte >= 0x80 || byte !== text.charCodeAt(i)) return false;
  }
  return true;
}
