import type { Metric, Registry } from "prom-client";
import { Histogram } from "./histogram.ts";
import { type Sample, Tally } from "./tally.ts";

export type Counter = Pick<Tally, "add">;
export type Gauge = Pick<Tally, "set">;

/** What `Figures.asked` reads: a value with those of the labels. */
export type Read = readonly [value: number, ...labels: string[]];

interface Family {
  readonly name: string;
  readonly help: string;
  readonly type: "counter" | "gauge" | "histogram";
  readonly samples: () => Iterable<Sample>;
}

/**
 * The figures of a program in the data model of Prometheus. prom-client writes them, which would check names and hash
 * labels at each event; it is loaded when somebody looks for the first time.
 */
export class Figures {
  readonly #prefix: string;
  readonly #families: Family[] = [];
  #registry: Promise<Registry> | undefined;

  /** All are made before anybody looks. */
  constructor(prefix: string) {
    this.#prefix = prefix;
  }

  counter(name: string, help: string, labelNames: readonly string[] = []): Counter {
    return this.#tally("counter", name, help, labelNames);
  }

  gauge(name: string, help: string, labelNames: readonly string[] = []): Gauge {
    return this.#tally("gauge", name, help, labelNames);
  }

  histogram(
    name: string,
    help: string,
    options: { readonly buckets: readonly number[]; readonly label?: string },
  ): Pick<Histogram, "observe"> {
    const histogram = new Histogram({ ...options, name: this.#prefix + name });
    this.#add("histogram", name, help, () => histogram.samples());
    return histogram;
  }

  /** Of what no event tells: it is read each time somebody looks. */
  asked(
    type: "counter" | "gauge",
    name: string,
    help: string,
    labelNames: readonly string[],
    read: () => Iterable<Read>,
  ): void {
    this.#add(type, name, help, () => {
      const tally = new Tally(labelNames);
      for (const [value, ...labels] of read()) tally.set(value, ...labels);
      return tally.samples();
    });
  }

  /** Prometheus' text format, version 0.0.4. */
  async text(): Promise<string> {
    return await (await (this.#registry ??= this.#open())).metrics();
  }

  #tally(
    type: "counter" | "gauge",
    name: string,
    help: string,
    labelNames: readonly string[],
  ): Tally {
    const tally = new Tally(labelNames);
    this.#add(type, name, help, () => tally.samples());
    return tally;
  }

  #add(type: Family["type"], name: string, help: string, samples: () => Iterable<Sample>): void {
    this.#families.push({ name: this.#prefix + name, help, type, samples });
  }

  /** The registry asks a family as it asks a metric of its own. */
  async #open(): Promise<Registry> {
    const { Registry } = await import("prom-client");
    const registry = new Registry();
    for (const { name, help, type, samples } of this.#families) {
      const get = () => Promise.resolve({ name, help, type, values: [...samples()] });
      registry.registerMetric({ name, get } as unknown as Metric);
    }
    return registry;
  }
}
