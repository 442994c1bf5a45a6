/**
 * Owns promises that nobody awaits one by one. `join` waits for all of them and throws the first
 * failure, so that a bug in a background task ends the program instead of vanishing.
 */
export class TaskGroup {
  #size = 0;
  #failure: { error: unknown } | undefined;
  #onFailure: (error: unknown) => void;
  #empty: PromiseWithResolvers<void> | undefined;

  /** `onFailure` is told of the first task that throws, at once. */
  constructor(onFailure: (error: unknown) => void = () => {}) {
    this.#onFailure = onFailure;
  }

  run(task: () => Promise<void>): void {
    this.#size++;
    task().then(this.#end, this.#fail);
  }

  async join(): Promise<void> {
    while (this.#size > 0) await (this.#empty ??= Promise.withResolvers()).promise;
    if (this.#failure) throw this.#failure.error;
  }

  readonly #end = (): void => {
    if (--this.#size > 0) return;
    this.#empty?.resolve();
    this.#empty = undefined;
  };

  readonly #fail = (error: unknown): void => {
    if (!this.#failure) {
      this.#failure = { error };
      this.#onFailure(error);
    }
    this.#end();
  };
}
