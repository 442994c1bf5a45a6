/** The head of an HTTP/1.1 response: what it says of itself and of its body (RFC 9112). */
import { headerName } from "../protocol/header_field.ts";

export interface ResponseHead {
  readonly status: number;
  /** Names in small letters; what came more than once is an array. */
  readonly headers: Readonly<Record<string, string | string[]>>;
}

/** A head, and what it says of what follows. */
export interface ReadHead extends ResponseHead {
  /** Whether another request may follow on the connection (section 9.3), if its body lets it. */
  readonly keepsAlive: boolean;
  /** How long the server says it keeps an idle connection (`Keep-Alive: timeout=`), milliseconds. */
  readonly idleMs: number | undefined;
  /** How its body is known to end, if it has one: that depends on the request, too. */
  readonly framing: Framing;
}

/** Section 6.3. */
export type Framing =
  | { readonly kind: "sized"; readonly bytes: number }
  /** Ambiguous where a length beside it may be an attempt to have the rest read as another response. */
  | { readonly kind: "chunked"; readonly isAmbiguous: boolean }
  | { readonly kind: "until_close" }
  | { readonly kind: "invalid"; readonly problem: string };

/** What came is not a response; the connection cannot be read on. */
export class InvalidResponse extends Error {
  override readonly name = "InvalidResponse";
}

const statusLine = /^HTTP\/1\.([01]) ([1-9]\d\d)(?: |$)/;

/** Reads the lines of a head. Throws `InvalidResponse`. */
export type ReadLines = (text: string) => ReadHead;

/** For one connection, whose server under load says the same again and again: of its heads only the date differs, once a second. */
export function headReader(): ReadLines {
  let last: { readonly text: string; readonly head: ReadHead } | undefined;
  return (text) => {
    if (last?.text !== text) last = { text, head: parseHead(text) };
    return last.head;
  };
}

function parseHead(text: string): ReadHead {
  // What is folded is one line (section 5.2). Both are rare.
  const lines = /\n[ \t]|[^\r]\n/.test(text)
    ? text.replace(/\r?\n[ \t]+/g, " ").split(/\r?\n/)
    : text.split("\r\n");
  const [, minor, digits] = statusLine.exec(lines[0] ?? "") ?? [];
  if (digits === undefined) {
    throw new InvalidResponse(`the answer does not begin as HTTP/1.1 does: ${shown(lines[0])}`);
  }
  const status = Number(digits);
  // What comes before the response (100, 103) says nothing to us.
  const headers = status < 200 ? {} : headersOf(lines);
  const isHttp11 = minor === "1";
  const connection = listOf(headers["connection"]);
  const isKept = isHttp11 ? !connection.includes("close") : connection.includes("keep-alive");
  const [, seconds] = /timeout=(\d{1,9})/i.exec(String(headers["keep-alive"] ?? "")) ?? [];
  return {
    status,
    headers,
    keepsAlive: isKept,
    idleMs: seconds === undefined ? undefined : Number(seconds) * 1000,
    framing: framingOf(headers, isHttp11),
  };
}

function framingOf(headers: ResponseHead["headers"], isHttp11: boolean): Framing {
  const codings = listOf(headers["transfer-encoding"]);
  const lengths = listOf(headers["content-length"]);
  if (codings.length > 0) {
    return codings.at(-1) === "chunked"
      ? { kind: "chunked", isAmbiguous: lengths.length > 0 || !isHttp11 }
      : { kind: "until_close" };
  }
  const [length] = lengths;
  if (length === undefined) return { kind: "until_close" };
  if (lengths.some((other) => other !== length) || !/^\d{1,15}$/.test(length)) {
    return { kind: "invalid", problem: `${shown(lengths.join(", "))} is no content-length` };
  }
  return { kind: "sized", bytes: Number(length) };
}

/** Section 5. */
function headersOf([_, ...lines]: readonly string[]): ResponseHead["headers"] {
  const headers: Record<string, string | string[]> = Object.create(null);
  for (const line of lines) {
    const colon = line.indexOf(":");
    const name = line.slice(0, colon).toLowerCase();
    const value = line.slice(colon + 1).trim();
    if (colon === -1 || !headerName.test(name) || value.includes("\0") || /[\r\n]/.test(value)) {
      throw new InvalidResponse(`${shown(line)} is no header`);
    }
    const before = headers[name];
    headers[name] = before === undefined ? value : [before, value].flat();
  }
  return headers;
}

/** The elements of a comma-separated header, in small letters. */
function listOf(value: string | string[] | undefined): readonly string[] {
  if (value === undefined) return none;
  return String(value).split(",").map((element) => element.trim().toLowerCase())
    .filter((element) => element !== "");
}

const none: readonly string[] = [];

/** The beginning of what came, for an error. */
export function shown(text: string | undefined): string {
  return JSON.stringify(text?.slice(0, 64) ?? "");
}
