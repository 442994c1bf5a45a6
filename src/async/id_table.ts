import { withRoomFor } from "./columns.ts";

/** So many characters of Latin-1 stand in the table; what is longer, or has others, beside it. */
const width = 48;
const elsewhere = width + 1;
const firstPlaces = 1024;

/**
 * Ids, each with a place: a number from 1 up, small as long as there are few, that is another's when the id is gone. What
 * is known of an id stands in arrays by its place. Made for a hundred thousand that come and go: all is in a few arrays of
 * numbers, where a `Map` makes work for the garbage collector with each (docs/decisions/0009).
 */
export class IdTable {
  /** Places that were given out, and 0. */
  #used = 1;
  /** The first of those that are free again; each leads to the next. */
  #free = 0;
  /** By the end of the hash: the first place that has it; each leads to the next. */
  #first = new Int32Array(firstPlaces);
  #next = new Int32Array(firstPlaces);
  #hashes = new Int32Array(firstPlaces);
  #lengths = new Uint8Array(firstPlaces);
  #chars = new Uint8Array(firstPlaces * width);
  readonly #elsewhere = new Map<number, string>();
  readonly #hashOf: (id: string) => number;

  /** `hashOf` gives an integer of 32 bits; by itself one of which nobody outside can know which ids share it. */
  constructor(hashOf: (id: string) => number = seededHash()) {
    this.#hashOf = hashOf;
  }

  /** Its place; 0 = it is not there. */
  placeOf(id: string): number {
    return this.#find(id, this.#hashOf(id));
  }

  #find(id: string, hash: number): number {
    let place = this.#first[hash & (this.#first.length - 1)] ?? 0;
    while (place !== 0 && !(this.#hashes[place] === hash && this.#isAt(place, id))) {
      place = this.#next[place] ?? 0;
    }
    return place;
  }

  /** Puts it in, if it is not there; the result is its place. */
  add(id: string): number {
    const hash = this.#hashOf(id);
    const known = this.#find(id, hash);
    if (known !== 0) return known;
    const place = this.#takePlace();
    this.#hashes[place] = hash;
    this.#link(place);
    this.#write(place, id);
    return place;
  }

  /** The id that has this place. */
  idAt(place: number): string {
    const length = this.#lengths[place] ?? 0;
    if (length === elsewhere) return this.#elsewhere.get(place) ?? "";
    const start = place * width;
    return String.fromCharCode(...this.#chars.subarray(start, start + length));
  }

  /** Takes out the id that has this place. */
  remove(place: number): void {
    const at = (this.#hashes[place] ?? 0) & (this.#first.length - 1);
    const next = this.#next[place] ?? 0;
    let before = this.#first[at] ?? 0;
    if (before === place) {
      this.#first[at] = next;
    } else {
      while (this.#next[before] !== place) before = this.#next[before] ?? 0;
      this.#next[before] = next;
    }
    if (this.#lengths[place] === elsewhere) this.#elsewhere.delete(place);
    this.#next[place] = this.#free;
    this.#free = place;
  }

  #takePlace(): number {
    const place = this.#free;
    if (place !== 0) {
      this.#free = this.#next[place] ?? 0;
      return place;
    }
    if (this.#used === this.#next.length) this.#grow();
    return this.#used++;
  }

  #grow(): void {
    this.#next = withRoomFor(this.#next, this.#used);
    this.#hashes = withRoomFor(this.#hashes, this.#used);
    this.#lengths = withRoomFor(this.#lengths, this.#used);
    this.#chars = withRoomFor(this.#chars, this.#used * width);
    this.#first = new Int32Array(this.#next.length);
    for (let place = 1; place < this.#used; place++) this.#link(place); // none is free
  }

  #link(place: number): void {
    const at = (this.#hashes[place] ?? 0) & (this.#first.length - 1);
    this.#next[place] = this.#first[at] ?? 0;
    this.#first[at] = place;
  }

  #write(place: number, id: string): void {
    const start = place * width;
    let isHere = id.length <= width;
    for (let i = 0; isHere && i < id.length; i++) {
      const code = id.charCodeAt(i);
      this.#chars[start + i] = code;
      isHere = code <= 0xff;
    }
    this.#lengths[place] = isHere ? id.length : elsewhere;
    if (!isHere) this.#elsewhere.set(place, id);
  }

  #isAt(place: number, id: string): boolean {
    const length = this.#lengths[place];
    if (length === elsewhere) return this.#elsewhere.get(place) === id;
    if (length !== id.length) return false;
    const start = place * width;
    for (let i = 0; i < length; i++) {
      if (this.#chars[start + i] !== id.charCodeAt(i)) return false;
    }
    return true;
  }
}

/** MurmurHash2's steps (A. Appleby, public domain), a character each. */
function seededHash(): (id: string) => number {
  const seed = crypto.getRandomValues(new Int32Array(1))[0] ?? 0;
  return (id) => {
    let hash = seed;
    for (let i = 0; i < id.length; i++) {
      hash = Math.imul(hash ^ id.charCodeAt(i), 0x5bd1e995);
      hash ^= hash >>> 15;
    }
    return hash;
  };
}
