/** How polling is brought to its end: what a poll under way brings is still taken, until it is cut off. */
export class Polling {
  readonly #ending = new AbortController();
  readonly #cut = new AbortController();
  readonly #over = Promise.withResolvers<void>();

  /** No further poll is begun. */
  get ending(): AbortSignal {
    return this.#ending.signal;
  }

  get isCut(): AbortSignal {
    return this.#cut.signal;
  }

  /** Resolves when all that the last poll brought has been taken. */
  end(): Promise<void> {
    this.#ending.abort();
    return this.#over.promise;
  }

  cut(): void {
    this.#ending.abort();
    this.#cut.abort();
  }

  isOver(): void {
    this.#over.resolve();
  }
}
