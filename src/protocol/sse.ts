/** Server-sent events as they are read, by the WHATWG HTML standard, section 9.2. Works on bytes and does no I/O. */

export interface ServerSentEvent {
  /** The event's name, "message" when the stream gave none. */
  readonly event: string;
  readonly data: string;
  /** The last `id` the stream has set, by this event or an earlier one. */
  readonly lastEventId: string;
}

/** An event whose data nobody has read yet. */
export interface RawEvent extends Pick<ServerSentEvent, "event" | "lastEventId"> {
  /** The data in UTF-8; where they are one line of a chunk, a view on it. */
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** One event was larger than the decoder was told to accept. The stream cannot be read on. */
export class SseEventTooLargeError extends Error {
  override readonly name = "SseEventTooLargeError";
  readonly maxEventBytes: number;

  constructor(maxEventBytes: number) {
    super(`an event is larger than ${maxEventBytes} bytes, the limit (maxEventBytes)`);
    this.maxEventBytes = maxEventBytes;
  }
}

export interface SseDecoderOptions {
  /** The most bytes one event may have on the wire, its unfinished line included. Default 16 MiB. */
  readonly maxEventBytes?: number;
}

const lf = 0x0a;
const cr = 0x0d;
const colon = 0x3a;
const space = 0x20;
const noBytes = new Uint8Array();
const lineEnd = Uint8Array.of(lf);
const defaultMaxEventBytes = 16 * 1024 * 1024;

type Bytes = Uint8Array<ArrayBuffer>;

/**
 * Turns chunks of a stream into events, wherever the chunks are cut: inside a character, or between CR and
 * LF. Every byte is looked at once, so the time is linear however many chunks one line spans. An event that the stream ends in the middle of is never given out.
 */
export class SseDecoder {
  readonly #maxEventBytes: number;
  // Lines are decoded whole and never begin with a BOM that counts: the stream's own is cut off as bytes.
  readonly #text = new TextDecoder("utf-8", { ignoreBOM: true });
  /** The beginning of a line whose end has not come, in pieces. */
  #pieces: Bytes[] = [];
  #pieceBytes = 0;
  #eventBytes = 0;
  #afterCr = false;
  #atStart = true;
  #failed = false;
  #event = "";
  #data: Bytes[] = [];
  #lastEventId = "";
  #retryMs: number | undefined;

  constructor({ maxEventBytes = defaultMaxEventBytes }: SseDecoderOptions = {}) {
    this.#maxEventBytes = maxEventBytes;
  }

  /** The reconnection time the stream asked for (`retry:`), milliseconds. */
  get retryMs(): number | undefined {
    return this.#retryMs;
  }

  /** As `read`, with the data as text: invalid UTF-8 becomes U+FFFD. */
  decode(chunk: Bytes): ServerSentEvent[] {
    return this.read(chunk).map(({ event, bytes, lastEventId }) => ({
      event,
      data: this.#text.decode(bytes),
      lastEventId,
    }));
  }

  /** The events completed by this chunk. Throws `SseEventTooLargeError`, and again on every later call. */
  read(chunk: Bytes): RawEvent[] {
    if (this.#failed) throw new SseEventTooLargeError(this.#maxEventBytes);
    const events: RawEvent[] = [];
    let rest = this.#withoutBom(chunk);
    if (!rest) return events;
    if (this.#afterCr && rest.length > 0) {
      if (rest[0] === lf) rest = rest.subarray(1);
      this.#afterCr = false;
    }
    let start = 0;
    // A CR is rare: where the next one is gets looked up once, not once a line.
    let nextCr = indexOr(rest, cr, 0);
    let nextLf = indexOr(rest, lf, 0);
    for (;;) {
      const end = Math.min(nextCr, nextLf);
      if (end === rest.length) break;
      this.#line(rest, start, end, events);
      start = end + 1;
      if (end === nextCr) {
        if (start === rest.length) this.#afterCr = true;
        else if (nextLf === start) start++;
        nextCr = indexOr(rest, cr, start);
      }
      if (nextLf < start) nextLf = indexOr(rest, lf, start);
    }
    if (start < rest.length) {
      this.#count(rest.length - start);
      // A copy: the caller may reuse the chunk's memory.
      this.#pieces.push(rest.slice(start));
      this.#pieceBytes += rest.length - start;
    }
    return events;
  }

  /** The chunk without the stream's BOM; undefined while it is not yet clear whether there is one. */
  #withoutBom(chunk: Bytes): Bytes | undefined {
    if (!this.#atStart) return chunk;
    const bom = [0xef, 0xbb, 0xbf];
    const head = this.#pieceBytes === 0 ? chunk : concat([...this.#pieces, chunk]);
    this.#pieces = [];
    this.#pieceBytes = 0;
    const matching = bom.findIndex((byte, i) => head[i] !== byte);
    if (head.length < bom.length && matching === head.length) {
      this.#pieces = [head.slice()];
      this.#pieceBytes = head.length;
      return undefined;
    }
    this.#atStart = false;
    return matching === -1 ? head.subarray(bom.length) : head;
  }

  #count(bytes: number): void {
    this.#eventBytes += bytes;
    if (this.#eventBytes <= this.#maxEventBytes) return;
    this.#failed = true;
    this.#pieces = [];
    this.#data = [];
    throw new SseEventTooLargeError(this.#maxEventBytes);
  }

  #line(chunk: Bytes, start: number, end: number, events: RawEvent[]): void {
    this.#count(end - start);
    if (this.#pieceBytes > 0) {
      const line = concat([...this.#pieces, chunk.subarray(start, end)]);
      this.#pieces = [];
      this.#pieceBytes = 0;
      return this.#wholeLine(line, 0, line.length, events);
    }
    this.#wholeLine(chunk, start, end, events);
  }

  #wholeLine(bytes: Bytes, start: number, end: number, events: RawEvent[]): void {
    if (start === end) return this.#dispatch(events);
    if (bytes[start] === colon) {
      this.#eventBytes -= end - start; // a comment is no part of an event
      return;
    }
    if (isData(bytes, start, end)) {
      this.#data.push(valueBytes(bytes, start + 4, end));
      return;
    }
    const found = bytes.subarray(start, end).indexOf(colon);
    const nameEnd = found === -1 ? end : start + found;
    switch (this.#text.decode(bytes.subarray(start, nameEnd))) {
      case "event":
        this.#event = this.#value(bytes, nameEnd, end);
        break;
      case "id": {
        const id = this.#value(bytes, nameEnd, end);
        if (!id.includes("\0")) this.#lastEventId = id;
        break;
      }
      case "retry": {
        const digits = this.#value(bytes, nameEnd, end);
        if (/^[0-9]+$/.test(digits)) this.#retryMs = Number(digits);
        break;
      }
    }
  }

  /** The text behind the colon at `at`, without the one space that may follow it; "" where there is no colon. */
  #value(bytes: Bytes, at: number, end: number): string {
    return this.#text.decode(valueBytes(bytes, at, end));
  }

  #dispatch(events: RawEvent[]): void {
    this.#eventBytes = 0;
    if (this.#data.length > 0) {
      events.push({
        event: this.#event || "message",
        bytes: joined(this.#data),
        lastEventId: this.#lastEventId,
      });
      this.#data = [];
    }
    this.#event = "";
  }
}

function valueBytes(bytes: Bytes, at: number, end: number): Bytes {
  if (at >= end) return noBytes;
  const start = bytes[at + 1] === space && at + 1 < end ? at + 2 : at + 1;
  return bytes.subarray(start, end);
}

/** Lines with LF between them. */
function joined(lines: readonly Bytes[]): Bytes {
  const [first = noBytes, ...more] = lines;
  return more.length === 0 ? first : concat([first, ...more.flatMap((line) => [lineEnd, line])]);
}

/** `data` alone, or `data:` and anything. */
function isData(bytes: Bytes, start: number, end: number): boolean {
  return bytes[start] === 0x64 && bytes[start + 1] === 0x61 && bytes[start + 2] === 0x74 &&
    bytes[start + 3] === 0x61 &&
    (end - start === 4 || (end - start > 4 && bytes[start + 4] === colon));
}

function indexOr(bytes: Bytes, byte: number, from: number): number {
  const found = bytes.indexOf(byte, from);
  return found === -1 ? bytes.length : found;
}

function concat(parts: readonly Bytes[]): Bytes {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
