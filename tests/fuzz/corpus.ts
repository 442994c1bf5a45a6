/** Inputs that failed once: one JSON file a target, tried first in every run and never again a failure. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const folder = join(import.meta.dirname ?? ".", "corpus");
const fileOf = (name: string) => join(folder, `${name}.json`);

export function corpusOf(name: string): unknown[] {
  return existsSync(fileOf(name)) ? JSON.parse(readFileSync(fileOf(name), "utf8")) : [];
}

export function keepInCorpus(name: string, input: unknown): void {
  mkdirSync(folder, { recursive: true });
  const inputs = [...corpusOf(name), input];
  writeFileSync(fileOf(name), `${JSON.stringify(inputs, null, 2)}\n`);
}
