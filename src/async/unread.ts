export interface UnreadOptions {
  /** Some of it has been read. */
  readonly onRead: () => void;
  /** Whoever read it has gone. */
  readonly onGone: () => void;
}

/**
 * The text of a response that is not read yet. It waits here and not in the stream of the body, where it could be
 * dropped only with an error, which Deno and Bun print.
 */
export class Unread {
  readonly body: ReadableStream<Uint8Array>;
  readonly #encoder = new TextEncoder();
  readonly #waiting: Uint8Array[] = [];
  #bytes = 0;
  #isOver = false;
  /** There while somebody waits for what comes next. */
  #reader: ReadableStreamDefaultController<Uint8Array> | undefined;

  constructor({ onRead, onGone }: UnreadOptions) {
    this.body = new ReadableStream<Uint8Array>({
      pull: (reader) => {
        this.#reader = reader;
        this.#give();
        onRead();
      },
      cancel: () => {
        this.#reader = undefined;
        this.drop();
        onGone();
      },
    }, { highWaterMark: 0 });
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** After the end it is nothing. */
  put(text: string): void {
    if (this.#isOver) return;
    const chunk = this.#encoder.encode(text);
    this.#waiting.push(chunk);
    this.#bytes += chunk.length;
    this.#give();
  }

  /** The response ends when all has been read. */
  end(): void {
    this.#isOver = true;
    this.#give();
  }

  /** It ends with what has been read. */
  drop(): void {
    this.#waiting.length = 0;
    this.#bytes = 0;
    this.end();
  }

  #give(): void {
    const reader = this.#reader;
    if (!reader) return;
    const chunk = this.#waiting.shift();
    if (chunk) {
      this.#reader = undefined;
      this.#bytes -= chunk.length;
      reader.enqueue(chunk);
    } else if (this.#isOver) {
      this.#reader = undefined;
      reader.close();
    }
  }
}
