/** A key, its value, and where it stands among the others. */
interface Entry<V> {
  readonly key: string;
  readonly value: V;
  older: Entry<V> | undefined;
  newer: Entry<V> | undefined;
}

/**
 * A map in order of age that finds its oldest entry at once. A `Map` has that order too, but whoever asks it for its
 * first key again and again waits while it walks past all that were deleted (docs/BENCHMARKS.md, "What is remembered").
 */
export class AgedMap<V> {
  readonly #entries = new Map<string, Entry<V>>();
  #oldest: Entry<V> | undefined;
  #newest: Entry<V> | undefined;

  get size(): number {
    return this.#entries.size;
  }

  get oldest(): Pick<Entry<V>, "key" | "value"> | undefined {
    return this.#oldest;
  }

  get(key: string): V | undefined {
    return this.#entries.get(key)?.value;
  }

  /** It is the newest from now on. */
  set(key: string, value: V): void {
    this.delete(key);
    const entry = { key, value, older: this.#newest, newer: undefined };
    if (this.#newest) this.#newest.newer = entry;
    else this.#oldest = entry;
    this.#newest = entry;
    this.#entries.set(key, entry);
  }

  delete(key: string): boolean {
    const entry = this.#entries.get(key);
    if (!entry) return false;
    this.#entries.delete(key);
    const { older, newer } = entry;
    if (older) older.newer = newer;
    else this.#oldest = newer;
    if (newer) newer.older = older;
    else this.#newest = older;
    return true;
  }

  clear(): void {
    this.#entries.clear();
    this.#oldest = undefined;
    this.#newest = undefined;
  }

  /** Takes out the oldest while more than `max` are left or its time is over; the result is their keys. */
  forgetOldest(max: number, isOver: (value: V) => boolean = never): string[] {
    const forgotten: string[] = [];
    while (this.#oldest && (this.size > max || isOver(this.#oldest.value))) {
      forgotten.push(this.#oldest.key);
      this.delete(this.#oldest.key);
    }
    return forgotten;
  }

  /** The oldest first. */
  *values(): Generator<V> {
    for (let entry = this.#oldest; entry; entry = entry.newer) yield entry.value;
  }
}

function never(): boolean {
  return false;
}
