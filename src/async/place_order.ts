import { withRoomFor } from "./columns.ts";

/** Places of an `IdTable` in order of age. Putting one in or taking it out costs the same however many there are. */
export class PlaceOrder {
  #older = new Int32Array(1);
  #newer = new Int32Array(1);
  #oldest = 0;
  #newest = 0;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** 0 = there is none. */
  get oldest(): number {
    return this.#oldest;
  }

  /** Puts in, as the newest, a place that is not there. */
  add(place: number): void {
    this.#older = withRoomFor(this.#older, place);
    this.#newer = withRoomFor(this.#newer, place);
    this.#older[place] = this.#newest;
    this.#newer[place] = 0;
    if (this.#newest === 0) this.#oldest = place;
    else this.#newer[this.#newest] = place;
    this.#newest = place;
    this.#size++;
  }

  /** Takes out a place that is there. */
  remove(place: number): void {
    const older = this.#older[place] ?? 0;
    const newer = this.#newer[place] ?? 0;
    if (older === 0) this.#oldest = newer;
    else this.#newer[older] = newer;
    if (newer === 0) this.#newest = older;
    else this.#older[newer] = older;
    this.#size--;
  }
}
