import type { Clock } from "../async/clock.ts";
import { delay } from "../async/delay.ts";

/** `anew`: the stream that is open is to be opened anew; `now`: where there is none, it is worth trying at once. */
export type Wish = "anew" | "now";

/** Asks the source to connect. */
export class Relink {
  readonly #listeners = new Set<(wish: Wish) => void>();

  ask(wish: Wish): void {
    for (const listener of [...this.#listeners]) listener(wish);
  }

  /** Calls `listener` each time; the result undoes it. */
  onAsked(listener: (wish: Wish) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}

/** Waits, until it is asked or stopped. */
export async function delayUnlessAsked(
  relink: Relink | undefined,
  ms: number,
  stop: AbortSignal,
  clock: Clock,
): Promise<void> {
  const asked = new AbortController();
  const forget = relink?.onAsked(() => asked.abort());
  await delay(ms, { signal: AbortSignal.any([stop, asked.signal]), clock }).catch(() => {});
  forget?.();
}
