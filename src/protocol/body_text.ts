import { compactJson } from "./compact_json.ts";
import { lenientText } from "./lenient_text.ts";

const strictDecoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** The text of bytes that are valid UTF-8, a byte order mark kept; undefined for others. */
export function utf8Text(bytes: Uint8Array): string | undefined {
  try {
    return strictDecoder.decode(bytes);
  } catch {
    return undefined;
  }
}

/** The bytes that a text in base64 (RFC 4648 section 4) stands for; undefined when it is none. */
export function fromBase64(text: string): Uint8Array<ArrayBuffer> | undefined {
  try {
    return Uint8Array.fromBase64(text);
  } catch {
    return undefined;
  }
}

/** A body as two members of a JSON object that give the exact bytes back. */
export function bodyMembers(
  bytes: Uint8Array,
): { readonly body: string; readonly body_encoding: "utf8" | "base64" } {
  const text = utf8Text(bytes);
  return text === undefined
    ? { body: bytes.toBase64(), body_encoding: "base64" }
    : { body: text, body_encoding: "utf8" };
}

/** The same of the beginning of a text, which may have been cut inside a character. */
export function utf8Beginning(bytes: Uint8Array, isCut: boolean): string | undefined {
  for (let less = 0; less <= (isCut ? 3 : 0); less++) {
    const text = utf8Text(bytes.subarray(0, bytes.byteLength - less));
    if (text !== undefined) return text;
  }
  return undefined;
}

/** A body as one JSON value: what is JSON as it is but for white space, anything else as a string. */
export function jsonOf(bytes: Uint8Array): string {
  const text = lenientText(bytes);
  try {
    JSON.parse(text);
    return lenientText(compactJson(new TextEncoder().encode(text)).bytes);
  } catch {
    return JSON.stringify(text);
  }
}
