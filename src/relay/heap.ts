/** A binary heap: the smallest item first, by `order`. Adding and taking cost O(log n). */
export class Heap<T> {
  readonly #items: T[] = [];
  readonly #order: (item: T) => number;

  constructor(order: (item: T) => number) {
    this.#order = order;
  }

  peek(): T | undefined {
    return this.#items[0];
  }

  push(item: T): void {
    const items = this.#items;
    let at = items.push(item) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (this.#key(parent) <= this.#key(at)) break;
      this.#swap(at, parent);
      at = parent;
    }
  }

  pop(): T | undefined {
    const items = this.#items;
    const first = items[0];
    const last = items.pop();
    if (items.length === 0 || last === undefined) return first;
    items[0] = last;
    for (let at = 0;;) {
      const left = 2 * at + 1;
      if (left >= items.length) return first;
      const right = left + 1;
      const child = right < items.length && this.#key(right) < this.#key(left) ? right : left;
      if (this.#key(at) <= this.#key(child)) return first;
      this.#swap(at, child);
      at = child;
    }
  }

  #key(at: number): number {
    return this.#order(this.#items[at] as T); // `at` is always within the array
  }

  #swap(a: number, b: number): void {
    const item = this.#items[a] as T;
    this.#items[a] = this.#items[b] as T;
    this.#items[b] = item;
  }
}
