/** Server-sent events as they are read, by the WHATWG HTML standard, section 9.2. Works on bytes and does no I/O. */

import { lineEnds } from "./line_ends.ts";
import { concat, ownBytes } from "./own_bytes.ts";
import { dataBytes, hasNul, isData, isField, valueOf, valueStart } from "./sse_field.ts";

/** An event whose data nobody has read yet. */
export interface ServerSentEvent {
  /** The event's name, "message" when the stream gave none. */
  readonly event: string;
  /** The data in UTF-8, whose reader may write over them; where they are one line of a chunk, a view on it. */
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
const lineEnd = Uint8Array.of(lf);
const [event, id, retry] = ["event", "id", "retry"].map((name) =>
  new TextEncoder().encode(name)
) as [Bytes, Bytes, Bytes];

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
  /** The name that was given last: most have the same. */
  #lastEvent = "";
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
   * Adds the events completed by this chunk, which nobody may write to any more: events are views on it. Throws
   * `SseEventTooLargeError` behind those before it, and again on every later call.
   */
  read(chunk: Bytes, events: ServerSentEvent[] = []): ServerSentEvent[] {
    if (this.#failed) throw new SseEventTooLargeError(this.#maxEventBytes);
    const ends = lineEnds();
    let rest = this.#withoutBom(chunk);
    if (!rest) return events;
    if (this.#afterCr && rest.length > 0) {
      if (rest[0] === lf) rest = rest.subarray(1);
      this.#afterCr = false;
    }
    let start = 0;
    for (let from = 0; from < rest.length; from += ends.maxBytes) {
      const count = ends.find(
        rest.length <= ends.maxBytes ? rest : rest.subarray(from, from + ends.maxBytes),
      );
      for (let i = 0; i < count; i++) {
        const end = from + (ends.places[i] ?? 0);
        if (end < start) continue; // the LF behind a CR
        this.#count(end - start);
        if (this.#pieceBytes > 0) this.#lateLine(rest.subarray(start, end), events);
        else this.#line(rest, start, end, events);
        start = end + 1;
        if (rest[end] === lf) continue;
        if (start === rest.length) this.#afterCr = true;
        else if (rest[start] === lf) start++;
      }
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
    this.#line(line, 0, line.length, events);
  }

  #line(bytes: Bytes, start: number, end: number, events: ServerSentEvent[]): void {
    if (start === end) return this.#dispatch(events);
    switch (bytes[start]) {
      case colon:
        this.#eventBytes -= end - start; // a comment is no part of an event
        break;
      case 0x64: // data
        if (isData(bytes, start, end)) {
          this.#addData(bytes.subarray(valueStart(bytes, start + dataBytes, end), end));
        }
        break;
      case 0x65: // event
        if (isField(event, bytes, start, end)) {
          this.#event = valueOf(bytes, start + event.length, end, this.#lastEvent);
          this.#lastEvent = this.#event;
        }
        break;
      case 0x69: // id
        if (isField(id, bytes, start, end)) {
          const at = start + id.length;
          if (!hasNul(bytes, at, end)) this.#lastEventId = valueOf(bytes, at, end);
        }
        break;
      case 0x72: // retry
        if (isField(retry, bytes, start, end)) {
          const digits = valueOf(bytes, start + retry.length, end);
          if (/^[0-9]+$/.test(digits)) this.#retryMs = Number(digits);
        }
    }
  }

  #dropData(): void {
    this.#data = undefined;
    if (this.#moreData.length === 0) return; // to set the length is a call into the engine
    this.#moreData.length = 0;
    this.#ownData = 0;
  }

  #addData(line: Bytes): void {
    if (this.#data === undefined) this.#data = line;
    else this.#moreData.push(lineEnd, line);
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
