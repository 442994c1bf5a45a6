import { readFileSync } from "node:fs";
import stripJsonComments from "strip-json-comments";
import { parse as parseYaml } from "yaml";
import { ConfigError } from "./config_error.ts";
import { findLines, type Keys } from "./file_lines.ts";

/** What the name of a configuration file ends with. */
export const configEndings = ["json", "jsonc", "yaml", "yml"] as const;

/** A configuration file, read and not yet understood. */
export interface ConfigFile {
  readonly path: string;
  readonly content: Readonly<Record<string, unknown>>;
  /** The line, from 1, on which the key stands; undefined where nobody knows. */
  readonly lineOf?: (keys: Keys) => number | undefined;
}

/** Reads the object in a JSON, JSONC or YAML file. Throws `ConfigError`. */
export function readConfigFile(path: string): ConfigFile {
  let content: unknown;
  let plain = "";
  try {
    const text = readFileSync(path, "utf8");
    const isYaml = /\.ya?ml$/.test(path);
    // Comments become spaces: what is left stands where it stood.
    plain = isYaml ? text : stripJsonComments(text, { trailingCommas: true });
    content = isYaml ? parseYaml(plain) : JSON.parse(plain);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new ConfigError([`cannot read the file ${JSON.stringify(path)}: ${why}`]);
  }
  if (typeof content !== "object" || content === null || Array.isArray(content)) {
    throw new ConfigError([`the file ${JSON.stringify(path)} does not hold an object`]);
  }
  return { path, content: content as Record<string, unknown>, lineOf: findLines(plain) };
}
