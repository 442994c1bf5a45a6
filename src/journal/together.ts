interface Group {
  readonly ids: string[];
  readonly written: Promise<void>;
}

/** Ids that come in one turn of the event loop and are written by one statement. */
export class Together {
  readonly #write: (ids: () => readonly string[]) => Promise<void>;
  #open: Group | undefined;

  /** `write` asks for the ids in the moment it writes them. */
  constructor(write: (ids: () => readonly string[]) => Promise<void>) {
    this.#write = write;
  }

  /** Resolves when it is written; rejects with all that came with it. */
  add(id: string): Promise<void> {
    const group = this.#open ?? this.#begin();
    group.ids.push(id);
    return group.written;
  }

  #begin(): Group {
    const end = () => {
      if (this.#open === group) this.#open = undefined;
    };
    const group: Group = {
      ids: [],
      written: this.#write(() => {
        end();
        return group.ids;
      }).finally(end),
    };
    return this.#open = group;
  }
}
