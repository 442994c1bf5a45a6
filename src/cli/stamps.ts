import { statSync } from "node:fs";

/** By its path, the state of a file: another one when it is another file, or is there no more. */
export type Stamps = ReadonlyMap<string, string>;

export function stampsOf(files: Iterable<string>): Stamps {
  return new Map([...files].map((file) => [file, stampOf(file)]));
}

function stampOf(file: string): string {
  try {
    const { mtimeMs, size, ino } = statSync(file);
    return `${mtimeMs} ${size} ${ino}`;
  } catch {
    return "-";
  }
}

export function areSame(a: Stamps, b: Stamps): boolean {
  return a.size === b.size && [...a].every(([file, stamp]) => b.get(file) === stamp);
}
