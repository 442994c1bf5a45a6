/** What is counted or measured at one set of values of a metric's labels. */
export interface Sample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
  /** Where it is not the metric's own name. */
  readonly metricName?: string;
}

interface Branch {
  value: number;
  /** By the value of the next label. */
  readonly next: Map<string, Branch>;
}

/** A number for each set of labels; an event costs it a look-up for each label. Without labels it begins with 0. */
export class Tally {
  readonly #labelNames: readonly string[];
  readonly #root: Branch = { value: 0, next: new Map() };

  constructor(labelNames: readonly string[]) {
    this.#labelNames = labelNames;
  }

  /** Adds to what has these values of the labels, in the order of their names. */
  add(by: number, ...values: readonly string[]): void {
    this.#at(values).value += by;
  }

  set(value: number, ...values: readonly string[]): void {
    this.#at(values).value = value;
  }

  *samples(branch = this.#root, values: readonly string[] = []): Generator<Sample> {
    if (values.length === this.#labelNames.length) {
      const { value } = branch;
      yield {
        labels: Object.fromEntries(this.#labelNames.map((name, i) => [name, values[i] ?? ""])),
        value,
      };
    } else {
      for (const [value, next] of branch.next) yield* this.samples(next, [...values, value]);
    }
  }

  #at(values: readonly string[]): Branch {
    let branch = this.#root;
    for (const value of values) {
      let next = branch.next.get(value);
      if (!next) branch.next.set(value, next = { value: 0, next: new Map() });
      branch = next;
    }
    return branch;
  }
}
