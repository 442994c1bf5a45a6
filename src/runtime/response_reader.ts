/** Reads one HTTP/1.1 response out of the bytes of a connection (RFC 9112). Does no I/O. */
import { plainBytes } from "./plain_bytes.ts";
import {
  headReader,
  InvalidResponse,
  type ReadHead,
  type ReadLines,
  type ResponseHead,
  shown,
} from "./response_head.ts";

/** What is told of a response: one head, then its bytes, then its end. */
export interface ResponseEvents {
  onHead(head: ResponseHead): void;
  onData(chunk: Uint8Array<ArrayBuffer>): void;
  onEnd(): void;
}

const maxHeadBytes = 64 * 1024;
/** Of one line with the size of a chunk, its extensions included. */
const maxSizeLineBytes = 4 * 1024;

const cr = 0x0d;
const lf = 0x0a;
const crlfBytes = 2;
/** An empty line, behind the end of the one before; a CR may be missing (section 2.2). */
const crlfLine = Buffer.from("\n\r\n");
const lfLine = Buffer.from("\n\n");

/** Where in the response it stands; of `sized` and `chunk` so many bytes are still to come. */
type State =
  | "head"
  | "sized"
  | "size"
  | "chunk"
  | "chunk_end"
  | "trailers"
  | "until_close"
  | "over";

/** One for each response; gets nothing more when it is over or has thrown. */
export class ResponseReader {
  readonly #method: string;
  readonly #events: ResponseEvents;
  readonly #readLines: ReadLines;
  #state: State = "head";
  /** What came and could not be read yet: a head or a line without its end. */
  #rest: Buffer | undefined;
  #left = 0;
  #keepsAlive = false;
  #idleMs: number | undefined;

  /** `readLines` may be that of the responses before. */
  constructor(method: string, events: ResponseEvents, readLines: ReadLines = headReader()) {
    this.#method = method;
    this.#events = events;
    this.#readLines = readLines;
  }

  get isOver(): boolean {
    return this.#state === "over";
  }

  /** Whether another request may follow on the connection. */
  get keepsAlive(): boolean {
    return this.#keepsAlive && this.isOver;
  }

  /** How long the server says it keeps an idle connection (`Keep-Alive: timeout=`), milliseconds. */
  get idleMs(): number | undefined {
    return this.#idleMs;
  }

  /** Throws `InvalidResponse`. */
  push(chunk: Buffer): void {
    const bytes = this.#rest ? Buffer.concat([this.#rest, chunk]) : chunk;
    this.#rest = undefined;
    for (let at = 0; at < bytes.length;) {
      const read = this.#read(bytes, at);
      if (read === 0) {
        this.#rest = bytes.subarray(at);
        return;
      }
      at += read;
      if (this.isOver) {
        // Of what nobody asked for nothing is believed.
        if (at < bytes.length) this.#keepsAlive = false;
        return this.#events.onEnd();
      }
    }
  }

  /** The connection has ended: true when the response ends with it, false when it broke off. */
  close(): boolean {
    if (this.#state !== "until_close") return this.isOver;
    this.#state = "over";
    this.#events.onEnd();
    return true;
  }

  /** How many of the bytes from `at` on are dealt with; 0 = more must come first. */
  #read(bytes: Buffer, at: number): number {
    const here = bytes.length - at;
    switch (this.#state) {
      case "head":
        return this.#readHead(bytes, at);
      case "sized":
      case "chunk": {
        const count = Math.min(here, this.#left);
        this.#left -= count;
        this.#events.onData(plainBytes(bytes, at, count));
        if (this.#left > 0) return count;
        this.#state = this.#state === "chunk" ? "chunk_end" : "over";
        return count;
      }
      case "size": {
        const end = endOfLine(bytes, at, maxSizeLineBytes);
        if (end === undefined) return 0;
        this.#left = sizeIn(bytes, at, end);
        this.#state = this.#left === 0 ? "trailers" : "chunk";
        return end + crlfBytes - at;
      }
      case "chunk_end":
        if (here < crlfBytes) return 0;
        if (bytes[at] !== cr || bytes[at + 1] !== lf) {
          throw new InvalidResponse("a chunk is longer than its size says");
        }
        this.#state = "size";
        return crlfBytes;
      case "trailers": {
        const end = endOfLine(bytes, at, maxHeadBytes);
        if (end === undefined) return 0;
        if (end === at) this.#state = "over";
        return end + crlfBytes - at;
      }
      case "until_close":
        this.#events.onData(plainBytes(bytes, at, here));
        return here;
      case "over":
        return here;
    }
  }

  #readHead(bytes: Buffer, at: number): number {
    const end = endOfHead(bytes, at);
    if ((end ?? bytes.length) - at > maxHeadBytes) {
      throw new InvalidResponse(`the head of the response is larger than ${maxHeadBytes} bytes`);
    }
    if (end === undefined) return 0;
    const head = this.#readLines(bytes.toString("latin1", at, end).trimEnd());
    const { status } = head;
    if (status === 101) {
      throw new InvalidResponse("the server answered 101, an upgrade that was not asked for");
    }
    if (status < 200) return end - at;
    this.#begin(head);
    this.#events.onHead(head);
    if (this.#state === "sized" && this.#left === 0) this.#state = "over";
    return end - at;
  }

  /** Section 6.3: how long the body is. */
  #begin({ status, framing, keepsAlive, idleMs }: ReadHead): void {
    this.#keepsAlive = keepsAlive;
    this.#idleMs = idleMs;
    this.#state = "sized";
    if (this.#method === "HEAD" || status === 204 || status === 304) return;
    switch (framing.kind) {
      case "sized":
        this.#left = framing.bytes;
        break;
      case "chunked":
        this.#state = "size";
        if (framing.isAmbiguous) this.#keepsAlive = false;
        break;
      case "until_close":
        this.#state = "until_close";
        this.#keepsAlive = false;
        break;
      case "invalid":
        throw new InvalidResponse(framing.problem);
    }
  }
}

/** Behind the empty line; undefined when that has not come. */
function endOfHead(bytes: Buffer, at: number): number | undefined {
  const crlf = bytes.indexOf(crlfLine, at);
  const lf = bytes.indexOf(lfLine, at);
  if (lf !== -1 && (lf < crlf || crlf === -1)) return lf + lfLine.length;
  return crlf === -1 ? undefined : crlf + crlfLine.length;
}

/** Where the line at `at` ends, before its CR and LF; undefined when that has not come. */
function endOfLine(bytes: Buffer, at: number, maxBytes: number): number | undefined {
  const end = bytes.indexOf(lf, at);
  if ((end === -1 ? bytes.length : end) - at > maxBytes) {
    throw new InvalidResponse(`a line of the response is longer than ${maxBytes} bytes`);
  }
  if (end === -1) return undefined;
  if (end === at || bytes[end - 1] !== cr) {
    throw new InvalidResponse("a line of the response ends without CR");
  }
  return end - 1;
}

/** The size of a chunk, behind which there may be an extension (section 7.1.1). */
function sizeIn(bytes: Buffer, start: number, end: number): number {
  const line = bytes.toString("latin1", start, end);
  const [, digits] = /^([0-9a-fA-F]{1,13})[ \t]*(?:;.*)?$/.exec(line) ?? [];
  if (digits === undefined) throw new InvalidResponse(`${shown(line)} is no chunk size`);
  return parseInt(digits, 16);
}
