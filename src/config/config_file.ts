import type { Keys } from "./file_lines.ts";

/** What the name of a configuration file ends with. */
export const configEndings = ["json", "jsonc", "yaml", "yml"] as const;

/** A configuration file, read and not yet understood. */
export interface ConfigFile {
  readonly path: string;
  readonly content: Readonly<Record<string, unknown>>;
  /** The line, from 1, on which the key stands; undefined where nobody knows. */
  readonly lineOf?: (keys: Keys) => number | undefined;
}
