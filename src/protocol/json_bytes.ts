/**
 * Finds its way in the bytes of a JSON text (RFC 8259, in UTF-8) without making values of it: what is only passed on
 * is not parsed. Quotes, braces and brackets are all that is looked at; whether the rest is valid is for whoever
 * parses it. Nothing here throws, and nothing reads beyond the end.
 */

import { compactJson } from "./compact_json.ts";
import { unescaped } from "./json_escapes.ts";
import { endOfValue } from "./json_end.ts";
import { marks, opening, separator } from "./json_marks.ts";
import { lenientText } from "./lenient_text.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** The value of a member, as it stands. */
export interface Member {
  readonly bytes: Bytes;
  /** There is white space or an escape in it: `compactJson` may make it shorter. */
  readonly isLoose: boolean;
}

/** An object without the values of some of its members. */
export interface SplitObject {
  /** By name; the last one counts where a name is repeated, as in JSON.parse. */
  readonly members: Readonly<Record<string, Member | undefined>>;
  /** The text of the object with `null` in their place. */
  readonly rest: string;
}

const quote = 0x22;
const backslash = 0x5c;

/**
 * Takes members out of an object. `compact`: an object or a list among them may be given as `compactJson` has it, written
 * over the text, where that saves a second look at it.
 */
export function splitObject(
  bytes: Bytes,
  names: readonly string[],
  { compact = false } = {},
): SplitObject {
  const members: Record<string, Member> = {};
  let rest = "";
  /** How far `rest` goes. */
  let told = 0;
  let i = bytes.indexOf(0x7b) + 1;
  while (i > 0 && i < bytes.length) {
    i = afterGaps(bytes, i);
    if (bytes[i] !== quote) break;
    const endOfName = endOfValue(bytes, i).end;
    const start = afterGaps(bytes, endOfName);
    const name = nameIn(bytes, i, endOfName, names);
    if (name === undefined) {
      i = endOfValue(bytes, start).end;
      continue;
    }
    // Who writes a space here writes one everywhere.
    const isSpaced = start > endOfName + 1 && marks[bytes[start] ?? 0] === opening;
    if (compact && isSpaced) {
      const value = compactJson(bytes, start);
      i = value.end;
      members[name] = { bytes: value.bytes, isLoose: false };
    } else {
      const { end, isLoose } = endOfValue(bytes, start);
      i = end;
      members[name] = { bytes: bytes.subarray(start, end), isLoose };
    }
    rest += `${lenientText(bytes.subarray(told, start))}null`;
    told = i;
  }
  return { members, rest: rest + lenientText(bytes.subarray(told)) };
}

/** The first elements of an array, at most `max`; none when it is no array. */
export function elementsOf(bytes: Bytes, max: number): Bytes[] {
  const elements: Bytes[] = [];
  let i = afterGaps(bytes, 0);
  if (bytes[i] !== 0x5b) return elements;
  for (i++; elements.length < max;) {
    i = afterGaps(bytes, i);
    const { end } = endOfValue(bytes, i);
    if (end === i) break;
    elements.push(bytes.subarray(i, end));
    i = end;
  }
  return elements;
}

/** Behind white space, commas and colons. */
function afterGaps(bytes: Bytes, start: number): number {
  let i = start;
  while (i < bytes.length && (marks[bytes[i] ?? 0] ?? 0) >= separator) i++;
  return i;
}

/** Which of these ASCII names the string at `start` is, however it is written. */
function nameIn(
  bytes: Bytes,
  start: number,
  end: number,
  names: readonly string[],
): string | undefined {
  for (const name of names) {
    let i = 0;
    while (i < name.length && bytes[start + 1 + i] === name.charCodeAt(i)) i++;
    if (i === name.length && end - start - 2 === i) return name;
    if (bytes[start + 1 + i] === backslash && unescaped(bytes.subarray(start, end)) === name) {
      return name;
    }
  }
  return undefined;
}
