import type { Sample } from "./tally.ts";

interface Row {
  /** How many were in each bucket and in none below it; the last one is for what is above all bounds. */
  readonly counts: number[];
  sum: number;
}

export interface HistogramOptions {
  readonly name: string;
  /** Upper bounds, the lowest first. */
  readonly buckets: readonly number[];
  readonly label?: string | undefined;
}

/** Values in buckets, by those of one label at the most; an event costs it a look-up and two additions. */
export class Histogram {
  readonly #options: HistogramOptions;
  readonly #rows = new Map<string, Row>();

  constructor(options: HistogramOptions) {
    this.#options = options;
    if (options.label === undefined) this.#row("");
  }

  /** Counts it under this value of the label. Throws a TypeError for what is no finite number. */
  observe(value: number, of = ""): void {
    const { name, buckets } = this.#options;
    if (!Number.isFinite(value)) throw new TypeError(`${name}: ${value} is not a finite number`);
    const row = this.#row(of);
    let at = 0;
    while (at < buckets.length && value > (buckets[at] ?? Infinity)) at++;
    row.counts[at] = (row.counts[at] ?? 0) + 1;
    row.sum += value;
  }

  *samples(): Generator<Sample> {
    const { name, buckets, label } = this.#options;
    for (const [of, { counts, sum }] of this.#rows) {
      const labels: Record<string, string> = label === undefined ? {} : { [label]: of };
      let count = 0;
      for (const [i, n] of counts.entries()) {
        count += n;
        const le = String(buckets[i] ?? "+Inf");
        yield { labels: { le, ...labels }, value: count, metricName: `${name}_bucket` };
      }
      yield { labels, value: sum, metricName: `${name}_sum` };
      yield { labels, value: count, metricName: `${name}_count` };
    }
  }

  #row(of: string): Row {
    let row = this.#rows.get(of);
    if (!row) {
      row = { counts: new Array(this.#options.buckets.length + 1).fill(0), sum: 0 };
      this.#rows.set(of, row);
    }
    return row;
  }
}
