import type { Keys } from "./file_lines.ts";

/** What stands there in a value read from JSON or YAML; undefined where the way ends before. */
export function valueAt(value: unknown, keys: Keys): unknown {
  return keys.reduce<unknown>(
    (inside, key) => (inside as Record<string | number, unknown> | null | undefined)?.[key],
    value,
  );
}
