/** Server-sent events as they are read, by the WHATWG HTML standard, section 9.2. Works on bytes and does no I/O. */

import { lenientText } from "./lenient_text.ts";
import { concat, ownBytes } from "./own_bytes.ts";

/** An event whose data nobody has read yet. */
export interface ServerSentEvent {
  /** The event's name, "message" when the stream gave none. */
  readonly event: string;
  /** The data in UTF-8; where they are one line of a chunk, a view on it. */
  readonly bytes: Uint8Array<ArrayBuffer>;
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

const lf = 0x0a;
const colon = 0x3a;
const space = 0x20;
const lineEnd = Uint8Array.of(lf);
const [data, event, id, retry] = ["data", "event", "id", "retry"].map((name) =>
  new TextEncoder().encode(name)
) as [Bytes, Bytes, Bytes, Bytes];

type Bytes = Uint8Array<ArrayBuffer>;

/**
 * Turns chunks of a stream into events, wherever they are cut: inside a character, or between CR and LF. The time is
 * linear however many chunks one line spans. An event that the stream ends in the middle of is never given out.
 */
export class SseDecoder {
  readonly #maxEventBytes: number;
  /** The beginning of a line whose end has not come, in pieces. */
  #pieces: Bytes[] = [];
  #pieceBytes = 0;
  #eventBytes = 0;
  #afterCr = false;
  #atStart = true;
  #failed = false;
  #event = "";
  /** The first line of data, and behind it each other one with the LF before it. */
  #data: Bytes | undefined;
  readonly #moreData: Bytes[] = [];
  /** So many of them keep no chunk in memory. */
  #ownData = 0;
  #lastEventId = "";
  #retryMs: number | undefined;

  /** `maxEventBytes`: the most that one event may have on the wire, its unfinished line included. */
  constructor(maxEventBytes: number) {
    this.#maxEventBytes = maxEventBytes;
  }

  /** The reconnection time the stream asked for (`retry:`), milliseconds. */
  get retryMs(): number | undefined {
    return this.#retryMs;
  }

  /**
   * The events completed by this chunk, which nobody may write to any more: events are views on it. Throws
   * `SseEventTooLargeError`, and again on every later call.
   */
  read(chunk: Bytes): ServerSentEvent[] {
    if (this.#failed) throw new SseEventTooLargeError(this.#maxEventBytes);
    const events: ServerSentEvent[] = [];
    let rest = this.#withoutBom(chunk);
    if (!rest) return events;
    if (this.#afterCr && rest.length > 0) {
      if (rest[0] === lf) rest = rest.subarray(1);
      this.#afterCr = false;
    }
    // A character for each byte: engines look through a text faster than through bytes.
    const text = latin1(rest);
    let start = 0;
    // A CR is rare: where the next one is gets looked up once, not once a line.
    let nextCr = indexOr(text, "\r", 0);
    let nextLf = indexOr(text, "\n", 0);
    for (;;) {
      const end = Math.min(nextCr, nextLf);
      if (end === text.length) break;
      this.#count(end - start);
      if (this.#pieceBytes > 0) this.#lateLine(rest.subarray(start, end), events);
      else this.#line(rest, text, start, end, events);
      start = end + 1;
      if (end === nextCr) {
        if (start === text.length) this.#afterCr = true;
        else if (nextLf === start) start++;
        nextCr = indexOr(text, "\r", start);
      }
      if (nextLf < start) nextLf = indexOr(text, "\n", start);
    }
    if (start < rest.length) {
      this.#count(rest.length - start);
      this.#pieces.push(ownBytes(rest.subarray(start)));
      this.#pieceBytes += rest.length - start;
    }
    this.#keepData();
    return events;
  }

  /** Of an event that is not over no line keeps the chunk it was in. */
  #keepData(): void {
    if (this.#data === undefined) return;
    this.#data = ownBytes(this.#data);
    const more = this.#moreData;
    for (; this.#ownData < more.length; this.#ownData++) {
      more[this.#ownData] = ownBytes(more[this.#ownData] ?? lineEnd);
    }
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
      this.#pieces = [ownBytes(head)];
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
    this.#dropData();
    throw new SseEventTooLargeError(this.#maxEventBytes);
  }

  /** A line that began in chunks before this one. */
  #lateLine(end: Bytes, events: ServerSentEvent[]): void {
    const line = concat([...this.#pieces, end]);
    this.#pieces = [];
    this.#pieceBytes = 0;
    this.#line(line, undefined, 0, line.length, events);
  }

  /** `text` is that of the bytes, where there is one already. */
  #line(
    bytes: Bytes,
    text: string | undefined,
    start: number,
    end: number,
    events: ServerSentEvent[],
  ): void {
    if (start === end) return this.#dispatch(events);
    switch (bytes[start]) {
      case colon:
        this.#eventBytes -= end - start; // a comment is no part of an event
        break;
      case 0x64: // data
        if (isField(data, bytes, start, end)) {
          this.#addData(bytes.subarray(valueStart(bytes, start + data.length, end), end));
        }
        break;
      case 0x65: // event
        if (isField(event, bytes, start, end)) {
          this.#event = this.#value(bytes, text, start + event.length, end);
        }
        break;
      case 0x69: // id
        if (isField(id, bytes, start, end)) {
          const value = this.#value(bytes, text, start + id.length, end);
          if (!value.includes("\0")) this.#lastEventId = value;
        }
        break;
      case 0x72: // retry
        if (isField(retry, bytes, start, end)) {
          const digits = this.#value(bytes, text, start + retry.length, end);
          if (/^[0-9]+$/.test(digits)) this.#retryMs = Number(digits);
        }
    }
  }

  #dropData(): void {
    this.#data = undefined;
    this.#moreData.length = 0;
    this.#ownData = 0;
  }

  #addData(line: Bytes): void {
    if (this.#data === undefined) this.#data = line;
    else this.#moreData.push(lineEnd, line);
  }

  /** The text behind the colon at `at`, without the one space that may follow it; "" where there is no colon. */
  #value(bytes: Bytes, text: string | undefined, at: number, end: number): string {
    const start = valueStart(bytes, at, end);
    let isAscii = text !== undefined;
    for (let i = start; isAscii && i < end; i++) isAscii = (bytes[i] ?? 0) < 0x80;
    return isAscii && text !== undefined
      ? text.slice(start, end)
      : lenientText(bytes.subarray(start, end));
  }

  #dispatch(events: ServerSentEvent[]): void {
    this.#eventBytes = 0;
    if (this.#data !== undefined) {
      const more = this.#moreData;
      const bytes = more.length === 0 ? this.#data : concat([this.#data, ...more]);
      events.push({ event: this.#event || "message", bytes, lastEventId: this.#lastEventId });
      this.#dropData();
    }
    this.#event = "";
  }
}

/** Behind the colon at `at` and the one space that may follow it. */
function valueStart(bytes: Bytes, at: number, end: number): number {
  if (at >= end) return end;
  return at + 1 < end && bytes[at + 1] === space ? at + 2 : at + 1;
}

/** The name alone, or the name, a colon and anything. */
function isField(name: Uint8Array, bytes: Bytes, start: number, end: number): boolean {
  for (let i = 0; i < name.length; i++) if (bytes[start + i] !== name[i]) return false;
  const nameEnd = start + name.length;
  return nameEnd === end || (nameEnd < end && bytes[nameEnd] === colon);
}

function latin1({ buffer, byteOffset, byteLength }: Bytes): string {
  return Buffer.from(buffer, byteOffset, byteLength).toString("latin1");
}

function indexOr(text: string, char: string, from: number): number {
  const found = text.indexOf(char, from);
  return found === -1 ? text.length : found;
}
