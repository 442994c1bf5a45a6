/** Asks for the stream to be opened anew. */
export class Relink {
  readonly #listeners = new Set<() => void>();

  ask(): void {
    for (const listener of [...this.#listeners]) listener();
  }

  /** Calls `listener` each time; the result undoes it. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}
