/** What can stand in a chain, in one at a time; it begins outside, with neither neighbour. */
export interface Linked {
  older: this | undefined;
  newer: this | undefined;
}

/**
 * Links in order of age. Putting one in or taking it out costs the same however many there are, and no memory.
 *
 * What comes and goes with every message stands in one of these and in no `Set`: V8 makes the table of a set anew
 * after so many changes, and the old one keeps what was in it, and the next one, until the whole heap is collected
 * (docs/decisions/0007).
 */
export class Chain<L extends Linked> {
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

  has(link: L): boolean {
    return link === this.#oldest || link.older !== undefined;
  }

  /** Takes out a link that stands in this chain or nowhere; says which. It lets go of its neighbours. */
  remove(link: L): boolean {
    if (!this.has(link)) return false;
    const { older, newer } = link;
    if (older) older.newer = newer;
    else this.#oldest = newer;
    if (newer) newer.older = older;
    else this.#newest = older;
    link.older = undefined;
    link.newer = undefined;
    this.#size--;
    return true;
  }

  /** Takes out the oldest. */
  shift(): L | undefined {
    const link = this.#oldest;
    if (link) this.remove(link);
    return link;
  }

  /** The oldest first; nothing is to be taken out meanwhile. */
  *[Symbol.iterator](): Generator<L> {
    for (let link = this.#oldest; link; link = link.newer) yield link;
  }
}
