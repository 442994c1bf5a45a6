import { readFileSync } from "node:fs";
import stripJsonComments from "strip-json-comments";
import { parse as parseYaml, YAMLParseError } from "yaml";
import { isObject } from "../protocol/json_object.ts";
import { parseJson } from "../protocol/parse_json.ts";
import { ConfigError } from "./config_error.ts";
import type { ConfigFile } from "./config_file.ts";
import { findLines, repeatedKeys } from "./file_lines.ts";

/** Reads the object in a JSON, JSONC or YAML file. Throws `ConfigError`. */
export function readConfigFile(path: string): ConfigFile {
  let content: unknown;
  let plain = "";
  try {
    const text = readFileSync(path, "utf8").replace(/^\ufeff/, ""); // as Windows' editors begin it
    const isYaml = /\.ya?ml$/.test(path);
    // Comments become spaces: what is left stands where it stood.
    plain = isYaml ? text : stripJsonComments(text, { trailingCommas: true });
    content = isYaml ? parseYamlFile(plain) : parseJson(plain);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new ConfigError([`cannot read the file ${JSON.stringify(path)}: ${why}`]);
  }
  if (!isObject(content)) {
    throw new ConfigError([`the file ${JSON.stringify(path)} does not hold an object`]);
  }
  const repeated = repeatedKeys(plain);
  if (repeated.length > 0) {
    throw new ConfigError(
      repeated.map(({ path: key, lines }) =>
        `${key}: stands twice in file ${path}, in lines ${lines.join(" and ")}`
      ),
    );
  }
  return { path, content, lineOf: findLines(plain) };
}

/** Throws a SyntaxError that shows nothing of the file: the token may stand where the slip is. */
function parseYamlFile(text: string): unknown {
  let value: unknown;
  try {
    value = parseYaml(text, { uniqueKeys: false, logLevel: "error" });
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    const [what = ""] = message.split(/: | \(| at line /);
    const [start] = error instanceof YAMLParseError && error.linePos || [];
    throw new SyntaxError(start ? `line ${start.line}, column ${start.col}: ${what}` : what);
  }
  if (containsItself(value, [])) throw new SyntaxError("an anchor stands within itself");
  return value;
}

function containsItself(value: unknown, around: readonly unknown[]): boolean {
  if (typeof value !== "object" || value === null) return false;
  return around.includes(value) ||
    Object.values(value).some((one) => containsItself(one, [...around, value]));
}
