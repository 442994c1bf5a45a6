import { Counter, type Registry } from "prom-client";

/** A count for each set of labels. */
export interface Tally {
  /** Adds `by` to the count that has these values of the labels, in the order of their names. */
  add(by: number, ...values: readonly string[]): void;
}

interface Branch {
  count: number;
  /** By the value of the next label. */
  readonly next: Map<string, Branch>;
}

/**
 * A counter of Prometheus that costs an event a look-up and an addition: prom-client, which checks names and makes a
 * key of the labels each time, gets the counts when somebody looks.
 */
export function tally(
  { name, help, labelNames = [], registers }: {
    readonly name: string;
    readonly help: string;
    readonly labelNames?: readonly string[];
    readonly registers: Registry[];
  },
): Tally {
  const root: Branch = { count: 0, next: new Map() };
  new Counter({
    name,
    help,
    labelNames,
    registers,
    collect() {
      this.reset();
      for (const { values, count } of counts(root, labelNames.length)) {
        this.inc(Object.fromEntries(labelNames.map((label, i) => [label, values[i]])), count);
      }
    },
  });
  return {
    add(by, ...values) {
      let branch = root;
      for (const value of values) {
        let next = branch.next.get(value);
        if (!next) branch.next.set(value, next = { count: 0, next: new Map() });
        branch = next;
      }
      branch.count += by;
    },
  };
}

function* counts(
  { count, next }: Branch,
  depth: number,
  values: readonly string[] = [],
): Generator<{ readonly values: readonly string[]; readonly count: number }> {
  if (values.length === depth) yield { values, count };
  for (const [value, branch] of next) yield* counts(branch, depth, [...values, value]);
}
