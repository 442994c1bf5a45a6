/** One connection to an HTTP/1.1 server: one request at a time, each sent once and never again. */
import type { Socket } from "node:net";
import { type Cancel, onAbort } from "../async/abort.ts";
import type { Clock } from "../async/clock.ts";
import { type BodySource, HttpBody } from "./http_body.ts";
import { headReader, type ResponseHead } from "./response_head.ts";
import { type ResponseEvents, ResponseReader } from "./response_reader.ts";

export interface HttpResponse extends ResponseHead {
  /** Must be read to its end or destroyed. */
  readonly body: HttpBody;
}

/** What is told of a connection. */
export interface ConnectionEvents {
  /** The response has ended, and another request may be sent. */
  onIdle(connection: HttpConnection): void;
  /** No more requests can be sent. Told once. */
  onClosed(connection: HttpConnection): void;
}

interface Exchange {
  readonly reader: ResponseReader;
  readonly resolve: (response: HttpResponse) => void;
  readonly reject: (error: unknown) => void;
  body: HttpBody | undefined;
  forget: () => void;
}

/** Servers close what has been idle for long; what is near that is not used, milliseconds. */
const idleMarginMs = 1_000;

export class HttpConnection {
  readonly #socket: Socket;
  readonly #events: ConnectionEvents;
  readonly #clock: Clock;
  readonly #readLines = headReader();
  #exchange: Exchange | undefined;
  #answers = 0;
  #isAnswering = false;
  #diedReused = false;
  #isClosed = false;
  #failure: unknown;
  /** Undefined = for as long as it is open. */
  #usableUntil: number | undefined;
  // The same for all requests: there is one at a time.
  readonly #source: BodySource = {
    pause: () => this.#socket.pause(),
    resume: () => this.#socket.resume(),
    destroy: () => this.#end(cut()),
  };
  readonly #response: ResponseEvents = {
    onHead: ({ status, headers }) => {
      const exchange = this.#exchange;
      if (!exchange) return;
      exchange.body = new HttpBody(this.#source);
      exchange.resolve({ status, headers, body: exchange.body });
    },
    onData: (chunk) => this.#exchange?.body?.push(chunk),
    onEnd: () => this.#exchange && this.#answered(this.#exchange),
  };

  constructor(socket: Socket, events: ConnectionEvents, clock: Clock) {
    this.#socket = socket;
    this.#events = events;
    this.#clock = clock;
    socket.on("data", (chunk: Buffer) => this.#read(chunk));
    socket.on("error", (error) => this.#failure ??= error);
    socket.on("end", () => this.#ended());
    socket.on("close", () => this.#ended());
  }

  /** False when the server is about to close it, by what it has said, or has closed it. */
  get isUsable(): boolean {
    if (this.#isClosed) return false;
    return this.#usableUntil === undefined || this.#clock.monotonic() < this.#usableUntil;
  }

  /** Resolves with the head of the response. Rejects with the network's error or with the signal's reason. */
  send(method: string, bytes: readonly Uint8Array[], signal: Cancel): Promise<HttpResponse> {
    return new Promise((resolve, reject) => {
      const exchange: Exchange = {
        reader: new ResponseReader(method, this.#response, this.#readLines),
        resolve,
        reject,
        body: undefined,
        forget: nothing,
      };
      this.#exchange = exchange;
      exchange.forget = onAbort(signal, () => this.#end(signal.reason));
      for (const part of bytes) this.#socket.write(part);
    });
  }

  /** It had answered before, and was ended with not a byte of an answer to the next request. */
  get diedReused(): boolean {
    return this.#diedReused;
  }

  /** The whole request has left us. */
  get #isWritten(): boolean {
    return this.#socket.writableLength === 0;
  }

  destroy(): void {
    this.#end(cut());
  }

  #read(chunk: Buffer): void {
    try {
      // Nothing was asked: the connection cannot be trusted any more.
      if (!this.#exchange) return this.#end(cut());
      this.#isAnswering = true;
      this.#exchange.reader.push(chunk);
    } catch (error) {
      this.#end(error);
    }
  }

  #answered(exchange: Exchange): void {
    exchange.forget();
    exchange.body?.end();
    this.#exchange = undefined;
    this.#answers++;
    this.#isAnswering = false;
    if (!exchange.reader.keepsAlive) return this.#end(undefined);
    const { idleMs } = exchange.reader;
    this.#usableUntil = idleMs === undefined
      ? undefined
      : this.#clock.monotonic() + Math.max(0, idleMs - idleMarginMs);
    if (this.#isWritten) return this.#events.onIdle(this);
    // The word about the last write may come after the answer to it; a server that answers without having read all
    // does not get another request.
    setImmediate(() => {
      if (this.#isClosed) return;
      if (this.#isWritten) this.#events.onIdle(this);
      else this.#end(undefined);
    });
  }

  #ended(): void {
    // A body may last until the end of the connection; one that was cut is none.
    if (this.#failure === undefined && this.#exchange?.reader.close()) return;
    this.#diedReused ||= !this.#isClosed && this.#exchange !== undefined && !this.#isAnswering &&
      this.#answers > 0;
    this.#end(this.#failure ?? cut());
  }

  /** Closes the connection; the error is that of the request under way. */
  #end(error: unknown): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#socket.destroy();
    const exchange = this.#exchange;
    this.#exchange = undefined;
    exchange?.forget();
    exchange?.reject(error);
    exchange?.body?.fail(error);
    this.#events.onClosed(this);
  }
}

function nothing(): void {}

function cut(): Error {
  return new Error("connection closed");
}
