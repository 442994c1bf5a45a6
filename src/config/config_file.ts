import { readFileSync } from "node:fs";
import stripJsonComments from "strip-json-comments";
import { parse as parseYaml } from "yaml";
import { ConfigError } from "./config_error.ts";

/** A configuration file, read and not yet understood. */
export interface ConfigFile {
  readonly path: string;
  readonly content: Readonly<Record<string, unknown>>;
}

/** Reads the object in a JSON, JSONC or YAML file. Throws `ConfigError`. */
export function readConfigFile(path: string): ConfigFile {
  let content: unknown;
  try {
    const text = readFileSync(path, "utf8");
    content = /\.ya?ml$/.test(path)
      ? parseYaml(text)
      : JSON.parse(stripJsonComments(text, { trailingCommas: true }));
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new ConfigError([`cannot read the file ${JSON.stringify(path)}: ${why}`]);
  }
  if (typeof content === "object" && content !== null && !Array.isArray(content)) {
    return { path, content: content as Record<string, unknown> };
  }
  throw new ConfigError([`the file ${JSON.stringify(path)} does not hold an object`]);
}
