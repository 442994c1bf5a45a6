import { Chain, type Linked } from "./chain.ts";

/** A key, its value, and where it stands among the others. */
class Entry<V> implements Linked {
  readonly key: string;
  /** Gone with the entry, which may be kept by a table that the map had before (chain.ts). */
  value: V | undefined;
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

  get oldestKey(): string | undefined {
    return this.#order.oldest?.key;
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
    this.#remove(entry);
    return true;
  }

  #remove(entry: Entry<V>): void {
    this.#entries.delete(entry.key);
    this.#order.remove(entry);
    entry.value = undefined;
  }

  /** Takes out the oldest while more than `max` are left or its time is over; the result is their keys. */
  forgetOldest(max: number, isOver: (value: V) => boolean = never): readonly string[] {
    let forgotten: string[] | undefined;
    for (let entry = this.#order.oldest; entry; entry = this.#order.oldest) {
      const { key, value } = entry;
      if (this.size <= max && !(value !== undefined && isOver(value))) break;
      (forgotten ??= []).push(key);
      this.#remove(entry);
    }
    return forgotten ?? none;
  }

  /** The oldest first. */
  *values(): Generator<V> {
    for (const { value } of this.#order) if (value !== undefined) yield value;
  }
}

const none: readonly string[] = [];

function never(): boolean {
  return false;
}
