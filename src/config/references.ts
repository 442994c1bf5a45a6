import { readFileSync } from "node:fs";
import type { Keys } from "./file_lines.ts";

/** `$${` stands for `${`. */
const reference = /\$\$\{|\$\{([^}]*)\}/g;
const variable = /^[A-Za-z_][A-Za-z0-9_]*$/;

/** Whether a text is nothing but references: what it stands for is elsewhere. */
export function isOnlyReferences(text: string): boolean {
  return /^(?:\$\{[^}]*\})+$/.test(text);
}

/**
 * Replaces `${VAR}` by the variable and `${file:PATH}` by the text of the file, without the line break at its end,
 * in every text of a file's content. `written` tells the text as it stood there: what replaced it may be secret.
 */
export function resolveReferences(
  content: Readonly<Record<string, unknown>>,
  env: Readonly<Record<string, string | undefined>>,
  report: (keys: Keys, problem: string) => void,
): {
  readonly content: Record<string, unknown>;
  readonly written: (keys: Keys) => string | undefined;
  /** The files that were read. */
  readonly files: readonly string[];
} {
  const files: string[] = [];
  const texts = new Map<string, string>();
  const resolved = resolve(content, []);
  return {
    content: resolved as Record<string, unknown>, // an object stays one
    files,
    written: (keys) => texts.get(JSON.stringify(keys.map(String))),
  };

  function resolve(value: unknown, keys: Keys): unknown {
    if (Array.isArray(value)) return value.map((one, i) => resolve(one, [...keys, i]));
    if (typeof value === "object" && value !== null) {
      return Object.fromEntries(
        Object.entries(value).map(([key, one]) => [key, resolve(one, [...keys, key])]),
      );
    }
    if (typeof value !== "string" || !value.includes("${")) return value;
    texts.set(JSON.stringify(keys.map(String)), value);
    return value.replace(
      reference,
      (whole, name?: string) => name === undefined ? "${" : lookUp(name, whole, keys),
    );
  }

  function lookUp(name: string, whole: string, keys: Keys): string {
    const file = /^file:(.+)$/.exec(name)?.[1];
    if (file !== undefined) {
      files.push(file);
      try {
        return readFileSync(file, "utf8").replace(/\r?\n$/, "");
      } catch (error) {
        const why = error instanceof Error ? error.message : String(error);
        report(keys, `cannot read ${whole}: ${why}`);
        return whole;
      }
    }
    if (!variable.test(name)) {
      report(keys, `${whole} is neither \${VAR} nor \${file:PATH}; write $\${ for a plain \${`);
      return whole;
    }
    const value = env[name];
    if (value === undefined) report(keys, `${whole}: the variable ${name} is not set`);
    return value ?? whole;
  }
}
