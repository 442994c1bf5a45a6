import { readFileSync } from "node:fs";
import type { Report } from "./config_error.ts";

/** The text of a file, or undefined when it cannot be read, which is then reported. */
export function readText(name: string, path: string, report: Report): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    report(`${name}: cannot read ${JSON.stringify(path)}: ${why}`);
    return undefined;
  }
}
