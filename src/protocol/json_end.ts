/** Where a value in the bytes of a JSON text ends, by its quotes, braces and brackets. Nothing here throws. */
import { closing, marks, opening, space } from "./json_marks.ts";
import { type End, endOfLarge, leastLarge } from "./large_json.ts";

type Bytes = Uint8Array<ArrayBuffer>;

const quote = 0x22;
const backslash = 0x5c;
/** So far a string is looked at before it is a large one. */
const shortText = 64;

/** Of the value at `start`: its end is `start` itself where there is a closing bracket or nothing. */
export function endOfValue(bytes: Bytes, start: number): End {
  const { length } = bytes;
  if (length - start < leastLarge) return endPlainly(bytes, start);
  const first = bytes[start] ?? 0;
  if (first === quote) {
    const text = endOfText(bytes, start, start + shortText);
    return text.end <= start + shortText
      ? text
      : endOfLarge(bytes, start) ?? endOfText(bytes, start);
  }
  const isLarge = marks[first] === opening;
  return (isLarge ? endOfLarge(bytes, start) : undefined) ?? endPlainly(bytes, start);
}

/** The same byte by byte. */
export function endPlainly(bytes: Bytes, start: number): End {
  const { length } = bytes;
  let depth = 0;
  let isLoose = false;
  let i = start;
  while (i < length) {
    const byte = bytes[i] ?? 0;
    const mark = marks[byte];
    if (byte === quote) {
      const text = endOfText(bytes, i);
      isLoose ||= text.isLoose;
      i = text.end;
      if (depth === 0) break;
    } else if (mark === opening) {
      depth++;
      i++;
    } else if (depth === 0) {
      if (mark !== 0) break;
      i++;
    } else {
      i++;
      if (mark === space) isLoose = true;
      else if (mark === closing && --depth === 0) break;
    }
  }
  return { end: i, isLoose };
}

/** Of the string at `start`; where its end is not before `limit`, somewhere behind that. */
function endOfText(bytes: Bytes, start: number, limit = bytes.length): End {
  let isLoose = false;
  let i = start + 1;
  for (; i < limit && bytes[i] !== quote; i++) {
    if (bytes[i] !== backslash) continue;
    isLoose = true;
    i++;
  }
  return { end: Math.min(i + 1, bytes.length), isLoose };
}
