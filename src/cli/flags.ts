import { parseArgs } from "node:util";
import { didYouMean } from "../config/near_name.ts";
import { shown } from "../config/shown.ts";
import { UsageError } from "./usage_error.ts";

export interface Flags {
  text(name: string): string | undefined;
  /** One of `values`, the first where nothing is said. Throws `UsageError`. */
  choice<Value extends string>(name: string, values: readonly [Value, ...Value[]]): Value;
  /** `--name` is true, `--no-name` is false. */
  isOn(name: string): boolean | undefined;
  readonly positionals: readonly string[];
}

/**
 * Reads a command's flags. Throws `UsageError` for an unknown one, a missing value, or more than
 * `maxPositionals` words that are not flags.
 */
export function parseFlags(
  args: readonly string[],
  types: Readonly<Record<string, "string" | "boolean">>,
  maxPositionals = 0,
): Flags {
  let values: Record<string, string | boolean | undefined>;
  let positionals: string[];
  try {
    ({ values, positionals } = parseArgs({
      args: [...args],
      allowNegative: true,
      allowPositionals: true,
      options: Object.fromEntries(Object.entries(types).map(([name, type]) => [name, { type }])),
    }));
  } catch (error) {
    throw new UsageError(unknownFlag(error, types) ?? String((error as Error).message));
  }
  const surplus = positionals[maxPositionals];
  if (surplus !== undefined) {
    throw new UsageError(`${shown(surplus)} is not expected here`);
  }
  return {
    positionals,
    text(name) {
      const value = values[name];
      return typeof value === "string" ? value : undefined;
    },
    choice(name, accepted) {
      const given = values[name] ?? accepted[0];
      const found = accepted.find((value) => value === given);
      if (found !== undefined) return found;
      throw new UsageError(
        `--${name} ${JSON.stringify(given)}: use one of ${accepted.join(", ")}`,
      );
    },
    isOn(name) {
      const value = values[name];
      return typeof value === "boolean" ? value : undefined;
    },
  };
}

/** Undefined when it is another problem, which the runtime says well. */
function unknownFlag(
  error: unknown,
  types: Readonly<Record<string, "string" | "boolean">>,
): string | undefined {
  if ((error as { code?: unknown }).code !== "ERR_PARSE_ARGS_UNKNOWN_OPTION") return undefined;
  const [, flag] = /'(-{1,2}[^'\s]*)'/.exec(String(error)) ?? [];
  if (flag === undefined) return undefined;
  return `unknown flag ${shown(flag)}${
    didYouMean(flag, Object.keys(types).map((name) => `--${name}`))
  }`;
}
