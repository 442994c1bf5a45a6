/** The body of a response: chunks as they come, and no more of them than somebody reads. */

/** What the body can do with its connection. */
export interface BodySource {
  pause(): void;
  resume(): void;
  destroy(): void;
}

/** Bytes held here before the connection is paused, beside those that somebody has taken. */
const highWaterBytes = 256 * 1024;

/** Iterates once. A loop that is left early destroys the rest, and the connection with it. */
export class HttpBody implements AsyncIterable<Uint8Array<ArrayBuffer>> {
  readonly #source: BodySource;
  #chunks: Uint8Array<ArrayBuffer>[] = [];
  #bytes = 0;
  #isPaused = false;
  #isOver = false;
  #isRead = false;
  #failure: { readonly error: unknown } | undefined;
  #wake = () => {};

  constructor(source: BodySource) {
    this.#source = source;
  }

  /** Somebody has begun to. */
  get isRead(): boolean {
    return this.#isRead;
  }

  /** All of it, where all of it is here already: most responses are short and come with their head. */
  takeWhole(): readonly Uint8Array<ArrayBuffer>[] | undefined {
    if (!this.#isOver) return undefined;
    const chunks = this.#chunks;
    this.#chunks = [];
    return chunks;
  }

  push(chunk: Uint8Array<ArrayBuffer>): void {
    this.#chunks.push(chunk);
    this.#bytes += chunk.byteLength;
    if (this.#bytes > highWaterBytes && !this.#isPaused) {
      this.#isPaused = true;
      this.#source.pause();
    }
    this.#wake();
  }

  /** All of it is here: the connection is no longer this body's to pause. */
  end(): void {
    this.#isOver = true;
    this.#resume();
    this.#wake();
  }

  /** It broke off: whoever reads on gets the error. */
  fail(error: unknown): void {
    if (this.#isOver) return;
    this.#failure ??= { error };
    this.#wake();
  }

  /** What was not read is given up. */
  destroy(): void {
    this.#chunks = [];
    if (!this.#isOver) this.#source.destroy();
  }

  /** The next chunks, undefined at the end. */
  async #next(): Promise<readonly Uint8Array<ArrayBuffer>[] | undefined> {
    while (this.#chunks.length === 0) {
      if (this.#failure) throw this.#failure.error;
      if (this.#isOver) return undefined;
      await new Promise<void>((resolve) => this.#wake = resolve);
    }
    const chunks = this.#chunks;
    this.#chunks = [];
    this.#bytes = 0;
    this.#resume();
    return chunks;
  }

  #resume(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    this.#source.resume();
  }

  /** All chunks that are here, and again when there are more: of a stream many come at once. */
  async *batches(): AsyncGenerator<readonly Uint8Array<ArrayBuffer>[]> {
    this.#isRead = true;
    try {
      for (let chunks = await this.#next(); chunks; chunks = await this.#next()) yield chunks;
    } finally {
      this.destroy();
    }
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array<ArrayBuffer>> {
    for await (const chunks of this.batches()) yield* chunks;
  }
}
