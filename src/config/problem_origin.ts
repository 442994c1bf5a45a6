import type { Keys } from "./file_lines.ts";
import type { Values } from "./merge.ts";
import { type OptionKey, options } from "./options.ts";

/** The problem, which begins with the path of a setting, and who set it, where it does not say so itself. */
export function withOrigin(problem: string, values: Values): string {
  const origin = originOf(problem.split(/: | and /, 1)[0] ?? "", values);
  return origin === undefined || problem.includes(` ${origin}`)
    ? problem
    : `${problem} (${origin})`;
}

/** Who set the value at a path of keys with dots between them: "targets.orders.url". */
export function originOf(path: string, values: Values): string | undefined {
  if (options.some(({ key }) => key === path)) return values.origin(path as OptionKey)?.origin;
  const keys = keysOf(path, values.file.content);
  return keys.length === 0 ? undefined : values.file.origin(keys);
}

/** The keys of a path as far as they are there. A key may hold dots itself: the longest that fits is taken. */
export function keysOf(path: string, content: unknown): Keys {
  const keys: string[] = [];
  let [rest, value] = [path, content];
  while (rest !== "" && typeof value === "object" && value !== null) {
    const key = Object.keys(value).filter((one) => rest === one || rest.startsWith(`${one}.`))
      .sort((a, b) => b.length - a.length)[0];
    if (key === undefined) break;
    keys.push(key);
    value = (value as Record<string, unknown>)[key];
    rest = rest.slice(key.length + 1);
  }
  return keys;
}
