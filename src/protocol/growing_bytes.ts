/** Bytes that come one chunk after the other, copied into memory that doubles: what they came in may be let go. */
export class GrowingBytes {
  readonly #expected: number;
  #memory = new Uint8Array();
  #length = 0;

  /** `expected` bytes at most; room for more is made only when they come all the same. */
  constructor(expected: number) {
    this.#expected = expected;
  }

  /** How many have come. */
  get length(): number {
    return this.#length;
  }

  /** Of memory that they hold, bytes: at most twice their length. */
  get held(): number {
    return this.#memory.length;
  }

  /** Tells how much more memory they hold now. */
  add(chunk: Uint8Array): number {
    const before = this.held;
    const length = this.#length + chunk.length;
    if (length > before) {
      const larger = new Uint8Array(Math.max(length, Math.min(2 * before, this.#expected)));
      larger.set(this.#memory);
      this.#memory = larger;
    }
    this.#memory.set(chunk, this.#length);
    this.#length = length;
    return this.held - before;
  }

  /** All of them, in memory of their own size. */
  whole(): Uint8Array<ArrayBuffer> {
    return this.#length === this.held ? this.#memory : this.#memory.slice(0, this.#length);
  }
}
