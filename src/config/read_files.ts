import type { Values } from "./merge.ts";
import { type OptionKey, options } from "./options.ts";

const namesFile = /_(path|file)$/;

/** The files that settings name and that are read when the settings are. */
export function filesOf(values: Values): string[] {
  const ofOptions = options.filter(({ key }) => namesFile.test(key))
    .flatMap(({ key }) => values.get(key as OptionKey) ?? []);
  const own = options.map(({ key }) => key as string);
  const others = Object.entries(values.file.content).filter(([key]) => !own.includes(key));
  return [...ofOptions.map(String), ...inside(Object.fromEntries(others)), ...values.file.files];
}

function inside(value: unknown): string[] {
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, one]) =>
    typeof one === "string" && namesFile.test(key) ? [one] : inside(one)
  );
}
