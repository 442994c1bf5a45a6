/** Reads one HTTP/1.1 response out of the bytes of a connection (RFC 9112). Does no I/O. */
import {
  InvalidResponse,
  type ReadHead,
  readHead,
  type ResponseHead,
  shown,
} from "./response_head.ts";

/** What is told of a response: one head, then its bytes, then its end. */
export interface ResponseEvents {
  onHead(head: ResponseHead): void;
  onData(chunk: Uint8Array): void;
  onEnd(): void;
}

const maxHeadBytes = 64 * 1024;
/** Of one line with the size of a chunk, its extensions included. */
const maxSizeLineBytes = 4 * 1024;

const cr = 0x0d;
const lf = 0x0a;
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
  #state: State = "head";
  /** What came and could not be read yet: a head or a line without its end. */
  #rest: Buffer | undefined;
  #left = 0;
  #keepsAlive = false;
  #idleMs: number | undefined;

  constructor(method: string, events: ResponseEvents) {
    this.#method = method;
    this.#events = events;
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
    let bytes = this.#rest ? Buffer.concat([this.#rest, chunk]) : chunk;
    this.#rest = undefined;
    while (bytes.length > 0) {
      const read = this.#read(bytes);
      if (read === 0) {
        this.#rest = bytes;
        return;
      }
      bytes = bytes.subarray(read);
      if (this.isOver) {
        // Of what nobody asked for nothing is believed.
        if (bytes.length > 0) this.#keepsAlive = false;
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

  /** How many of the bytes are dealt with; 0 = more must come first. */
  #read(bytes: Buffer): number {
    switch (this.#state) {
      case "head":
        return this.#readHead(bytes);
      case "sized":
      case "chunk": {
        const count = Math.min(bytes.length, this.#left);
        this.#left -= count;
        this.#events.onData(bytes.subarray(0, count));
        if (this.#left > 0) return count;
        this.#state = this.#state === "chunk" ? "chunk_end" : "over";
        return count;
      }
      case "size": {
        const line = lineIn(bytes, maxSizeLineBytes);
        if (line === undefined) return 0;
        const [, digits] = /^([0-9a-fA-F]{1,13})[ \t]*(?:;.*)?$/.exec(line) ?? [];
        if (digits === undefined) throw new InvalidResponse(`${shown(line)} is no chunk size`);
        this.#left = parseInt(digits, 16);
        this.#state = this.#left === 0 ? "trailers" : "chunk";
        return line.length + 2;
      }
      case "chunk_end":
        if (bytes.length < 2) return 0;
        if (bytes[0] !== cr || bytes[1] !== lf) {
          throw new InvalidResponse("a chunk is longer than its size says");
        }
        this.#state = "size";
        return 2;
      case "trailers": {
        const line = lineIn(bytes, maxHeadBytes);
        if (line === undefined) return 0;
        if (line === "") this.#state = "over";
        return line.length + 2;
      }
      case "until_close":
        this.#events.onData(bytes);
        return bytes.length;
      case "over":
        return bytes.length;
    }
  }

  #readHead(bytes: Buffer): number {
    const end = endOfHead(bytes);
    if ((end ?? bytes.length) > maxHeadBytes) {
      throw new InvalidResponse(`the head of the response is larger than ${maxHeadBytes} bytes`);
    }
    if (end === undefined) return 0;
    const head = readHead(bytes.toString("latin1", 0, end).trimEnd());
    const { status } = head;
    if (status === 101) {
      throw new InvalidResponse("the server answered 101, an upgrade that was not asked for");
    }
    if (status < 200) return end;
    this.#begin(head);
    this.#events.onHead(head);
    if (this.#state === "sized" && this.#left === 0) this.#state = "over";
    return end;
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
function endOfHead(bytes: Buffer): number | undefined {
  const crlf = bytes.indexOf(crlfLine);
  const lf = bytes.indexOf(lfLine);
  if (lf !== -1 && (lf < crlf || crlf === -1)) return lf + lfLine.length;
  return crlf === -1 ? undefined : crlf + crlfLine.length;
}

/** The first line without its end, as Latin-1; undefined when that has not come. */
function lineIn(bytes: Buffer, maxBytes: number): string | undefined {
  const end = bytes.indexOf(lf);
  if (end === -1 ? bytes.length > maxBytes : end > maxBytes) {
    throw new InvalidResponse(`a line of the response is longer than ${maxBytes} bytes`);
  }
  if (end === -1) return undefined;
  if (bytes[end - 1] !== cr) throw new InvalidResponse("a line of the response ends without CR");
  return bytes.toString("latin1", 0, end - 1);
}
