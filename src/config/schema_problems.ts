import { z } from "zod";
import { decimal } from "./decimal.ts";
import type { Keys } from "./file_lines.ts";
import { didYouMean } from "./near_name.ts";
import { shown } from "./shown.ts";
import { valueAt } from "./value_at.ts";

/** The text a value was written as, where it had references. */
type Written = (keys: Keys) => string | undefined;

/**
 * Parses; where a number or a switch is expected and a reference stood, what it stands for is read as one: a
 * reference gives a text.
 */
export function parseWithReferences<Schema extends z.ZodType>(
  schema: Schema,
  given: unknown,
  written: Written,
): z.ZodSafeParseResult<z.output<Schema>> {
  const first = schema.safeParse(given);
  if (first.success) return first;
  const copy = structuredClone(given);
  let isChanged = false;
  for (const issue of first.error.issues) {
    const keys = issue.path as Keys;
    const value = valueAt(copy, keys);
    if (issue.code !== "invalid_type" || typeof value !== "string" || !written(keys)) continue;
    const read = scalarOf(value);
    if (read === undefined) continue;
    const parent = valueAt(copy, keys.slice(0, -1)) as Record<string | number, unknown>;
    parent[keys.at(-1) ?? ""] = read;
    isChanged = true;
  }
  return isChanged ? schema.safeParse(copy) : first;
}

/** Each problem as ".key: what was found: what is accepted", to stand behind the path of the whole. */
export function schemaProblems(
  schema: z.ZodType,
  given: unknown,
  error: z.ZodError,
  written: Written,
): string[] {
  return error.issues.flatMap((issue) => {
    const keys = issue.path as Keys;
    const path = keys.map((key) => `.${key}`).join("");
    if (issue.code === "unrecognized_keys") {
      const known = knownKeys(schema, keys);
      return issue.keys.map((key) => `${path}.${key}: unknown key${didYouMean(key, known)}`);
    }
    const { message } = issue.code === "invalid_key" ? issue.issues[0] ?? issue : issue;
    const what = message.replace(/^(Invalid input|Too small|Too big|Invalid key.*?): /, "");
    return [`${path}: ${found(given, keys, written)}${what}`];
  });
}

/** A header's value is often a credential; a passphrase is one. */
function found(given: unknown, keys: Keys, written: Written): string {
  const value = valueAt(given, keys);
  if (value === undefined) return "";
  if (keys.includes("headers") || keys.includes("client_key_passphrase")) return "";
  if (typeof value === "object" && value !== null) return "";
  return `${shown(written(keys) ?? value)}: `;
}

function scalarOf(text: string): number | boolean | undefined {
  return text === "true" || text === "false" ? text === "true" : decimal(text);
}

interface JsonSchema {
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly anyOf?: readonly JsonSchema[];
}

function knownKeys(schema: z.ZodType, keys: Keys): string[] {
  let at: JsonSchema | undefined = z.toJSONSchema(schema) as JsonSchema;
  for (const key of keys) {
    at = at?.properties?.[key];
    at = at?.anyOf?.find(({ properties }) => properties) ?? at;
  }
  return Object.keys(at?.properties ?? {});
}
