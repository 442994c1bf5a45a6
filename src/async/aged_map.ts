import { Chain, type Link } from "./chain.ts";

/** A key, its value, and where it stands among the others. */
class Entry<V> implements Link {
  readonly key: string;
  value: V;
  older: this | undefined = undefined;
  newer: this | undefined = undefined;

  constructor(key: string, value: V) {
    this.key = key;
    this.value = value;
  }
}

/**
 * A map in order of age that finds its oldest entry at once. A `Map` has that order too, but whoever asks it for its
 * first key again and again waits while it walks past all that were deleted (docs/BENCHMARKS.md, "What is remembered").
 */
export class AgedMap<V> {
  readonly #entries = new Map<string, Entry<V>>();
  readonly #order = new Chain<Entry<V>>();

  get size(): number {
    return this.#entries.size;
  }

  get oldest(): { readonly key: string; readonly value: V } | undefined {
    return this.#order.oldest;
  }

  get(key: string): V | undefined {
    return this.#entries.get(key)?.value;
  }

  /** It is the newest from now on. */
  set(key: string, value: V): void {
    let entry = this.#entries.get(key);
    if (entry) {
      this.#order.remove(entry);
      entry.value = value;
    } else {
      entry = new Entry(key, value);
      this.#entries.set(key, entry);
    }
    this.#order.add(entry);
  }

  delete(key: string): boolean {
    const entry = this.#entries.get(key);
    if (!entry) return false;
    this.#entries.delete(key);
    this.#order.remove(entry);
    return true;
  }

  /** Takes out the oldest while more than `max` are left or its time is over; the result is their keys. */
  forgetOldest(max: number, isOver: (value: V) => boolean = never): readonly string[] {
    let oldest = this.#order.oldest;
    if (!oldest || (this.size <= max && !isOver(oldest.value))) return none;
    const forgotten: string[] = [];
    while (oldest && (this.size > max || isOver(oldest.value))) {
      forgotten.push(oldest.key);
      this.#entries.delete(oldest.key);
      this.#order.remove(oldest);
      oldest = this.#order.oldest;
    }
    return forgotten;
  }

  /** The oldest first. */
  *values(): Generator<V> {
    for (const { value } of this.#order) yield value;
  }
}

const none: readonly string[] = [];

function never(): boolean {
  return false;
}
