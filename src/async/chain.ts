/** What can stand in a chain, in one at a time. */
export interface Link {
  older: this | undefined;
  newer: this | undefined;
}

/** Links in order of age. Putting one in or taking it out costs the same however many there are, and no memory. */
export class Chain<L extends Link> {
  #oldest: L | undefined;
  #newest: L | undefined;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  get oldest(): L | undefined {
    return this.#oldest;
  }

  /** Puts in, as the newest, a link that stands nowhere. */
  add(link: L): void {
    link.older = this.#newest;
    link.newer = undefined;
    if (this.#newest) this.#newest.newer = link;
    else this.#oldest = link;
    this.#newest = link;
    this.#size++;
  }

  /** Takes out a link that stands in this chain. */
  remove(link: L): void {
    const { older, newer } = link;
    if (older) older.newer = newer;
    else this.#oldest = newer;
    if (newer) newer.older = older;
    else this.#newest = older;
    link.older = undefined;
    link.newer = undefined;
    this.#size--;
  }

  /** The oldest first. */
  *[Symbol.iterator](): Generator<L> {
    for (let link = this.#oldest; link; link = link.newer) yield link;
  }
}
