/**
 * Owns promises that nobody awaits one by one. `join` waits for all of them and throws the first
 * failure, so that a bug in a background task ends the program instead of vanishing.
 */
export class TaskGroup {
  #running = new Set<Promise<void>>();
  #failure: { error: unknown } | undefined;
  #onFailure: (error: unknown) => void;

  /** `onFailure` is told of the first task that throws, at once. */
  constructor(onFailure: (error: unknown) => void = () => {}) {
    this.#onFailure = onFailure;
  }

  run(task: () => Promise<void>): void {
    const running: Promise<void> = task()
      .catch((error) => {
        if (this.#failure) return;
        this.#failure = { error };
        this.#onFailure(error);
      })
      .finally(() => this.#running.delete(running));
    this.#running.add(running);
  }

  get size(): number {
    return this.#running.size;
  }

  async join(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running);
    if (this.#failure) throw this.#failure.error;
  }
}
