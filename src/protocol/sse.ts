/**
 * Server-sent events, both directions, by the WHATWG HTML standard, section 9.2 "Server-sent events".
 * The decoder works on bytes and does no I/O.
 */

export interface ServerSentEvent {
  /** The event's name, "message" when the stream gave none. */
  readonly event: string;
  readonly data: string;
  /** The last `id` the stream has set, by this event or an earlier one. */
  readonly lastEventId: string;
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
const defaultMaxEventBytes = 16 * 1024 * 1024;

/**
 * Turns chunks of a stream into events, wherever the chunks are cut: inside a character, or between CR and
 * LF. Every byte is looked at once, so the time is linear however many chunks one line spans. Invalid UTF-8
 * becomes U+FFFD. An event that the stream ends in the middle of is never given out.
 */
export class SseDecoder {
  readonly #maxEventBytes: number;
  // Lines are decoded whole and never begin with a BOM that counts: the stream's own is cut off as bytes.
  readonly #text = new TextDecoder("utf-8", { ignoreBOM: true });
  /** The beginning of a line whose end has not come, in pieces. */
  #pieces: Uint8Array[] = [];
  #pieceBytes = 0;
  #eventBytes = 0;
  #afterCr = false;
  #atStart = true;
  #failed = false;
  #event = "";
  #data: string[] = [];
  #lastEventId = "";
  #retryMs: number | undefined;

  constructor({ maxEventBytes = defaultMaxEventBytes }: SseDecoderOptions = {}) {
    this.#maxEventBytes = maxEventBytes;
  }

  /** The reconnection time the stream asked for (`retry:`), milliseconds. */
  get retryMs(): number | undefined {
    return this.#retryMs;
  }

  /** The events completed by this chunk. Throws `SseEventTooLargeError`, and again on every later call. */
  decode(chunk: Uint8Array): ServerSentEvent[] {
    if (this.#failed) throw new SseEventTooLargeError(this.#maxEventBytes);
    const events: ServerSentEvent[] = [];
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
  #withoutBom(chunk: Uint8Array): Uint8Array | undefined {
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

  #line(chunk: Uint8Array, start: number, end: number, events: ServerSentEvent[]): void {
    this.#count(end - start);
    if (this.#pieceBytes > 0) {
      const line = concat([...this.#pieces, chunk.subarray(start, end)]);
      this.#pieces = [];
      this.#pieceBytes = 0;
      return this.#wholeLine(line, 0, line.length, events);
    }
    this.#wholeLine(chunk, start, end, events);
  }

  #wholeLine(bytes: Uint8Array, start: number, end: number, events: ServerSentEvent[]): void {
    if (start === end) return this.#dispatch(events);
    if (bytes[start] === colon) {
      this.#eventBytes -= end - start; // a comment is no part of an event
      return;
    }
    if (isData(bytes, start, end)) {
      this.#data.push(this.#value(bytes, start + 4, end));
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
  #value(bytes: Uint8Array, at: number, end: number): string {
    if (at >= end) return "";
    const start = bytes[at + 1] === space && at + 1 < end ? at + 2 : at + 1;
    return this.#text.decode(bytes.subarray(start, end));
  }

  #dispatch(events: ServerSentEvent[]): void {
    this.#eventBytes = 0;
    if (this.#data.length > 0) {
      events.push({
        event: this.#event || "message",
        data: this.#data.length === 1 ? this.#data[0] ?? "" : this.#data.join("\n"),
        lastEventId: this.#lastEventId,
      });
      this.#data = [];
    }
    this.#event = "";
  }
}

/** `data` alone, or `data:` and anything. */
function isData(bytes: Uint8Array, start: number, end: number): boolean {
  return bytes[start] === 0x64 && bytes[start + 1] === 0x61 && bytes[start + 2] === 0x74 &&
    bytes[start + 3] === 0x61 &&
    (end - start === 4 || (end - start > 4 && bytes[start + 4] === colon));
}

function indexOr(bytes: Uint8Array, byte: number, from: number): number {
  const found = bytes.indexOf(byte, from);
  return found === -1 ? bytes.length : found;
}

function concat(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/**
 * One event as text for the wire. Data is split at its line ends, whichever they are; the receiver joins the
 * lines with LF. Throws a RangeError for an event name or id with a line end, or an id with NUL.
 */
export function encodeSseEvent(
  { event, data, id }: { readonly event?: string; readonly data: string; readonly id?: string },
): string {
  let text = "";
  if (event !== undefined) text += `event: ${oneLine("event name", event)}\n`;
  if (id !== undefined) {
    if (id.includes("\0")) throw new RangeError("cannot encode an event id with a NUL in it");
    text += `id: ${oneLine("event id", id)}\n`;
  }
  return `${text}${data.split(/\r\n|\r|\n/).map((line) => `data: ${line}\n`).join("")}\n`;
}

function oneLine(what: string, text: string): string {
  if (!/[\r\n]/.test(text)) return text;
  throw new RangeError(`cannot encode the ${what} ${JSON.stringify(text)}: it has a line end`);
}
