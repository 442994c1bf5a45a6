/**
 * Every guarantee and every defence has a test. A table of docs/GUARANTEES.md or docs/SECURITY.md whose last column is headed "test" names one in each row,
 * or several: `tests/file.test.ts`: "its name, or a part of it". Those files and names must be there.
 */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";

/** All rows that name no test, or one that is not there, as "line: what". `root` is the project's folder. */
export function problems(markdown: string, root: string): string[] {
  const found: string[] = [];
  let names = false; // within a table whose last column names tests
  for (const [at, line] of markdown.split("\n").entries()) {
    const cells = cellsOf(line);
    if (!cells) {
      names = false;
      continue;
    }
    const last = cells.at(-1) ?? "";
    if (last === "test") names = true;
    else if (names && !/^:?-+:?$/.test(last)) {
      found.push(...problemsOf(last, root).map((problem) => `line ${at + 1}: ${problem}`));
    }
  }
  return found;
}

function problemsOf(cell: string, root: string): string[] {
  const named = [...cell.matchAll(/`([^`]+)`: "([^"]+)"/g)];
  if (named.length === 0) return [`no test is named in ${JSON.stringify(cell)}`];
  return named.flatMap(([, file = "", title = ""]) => {
    const path = join(root, file);
    if (!file.startsWith("tests/") || !existsSync(path)) return [`there is no ${file}`];
    return readFileSync(path, "utf8").includes(title) ? [] : [`${file} has no test "${title}"`];
  });
}

/** The cells of a row; undefined for a line that is none. */
function cellsOf(line: string): string[] | undefined {
  const row = /^\s*\|(.*)\|\s*$/.exec(line)?.[1];
  return row?.split(/(?<!\\)\|/).map((cell) => cell.replaceAll("\\|", "|").trim());
}

if (import.meta.main) {
  const root = join(import.meta.dirname ?? ".", "..");
  const found = ["docs/GUARANTEES.md", "docs/SECURITY.md"].flatMap((file) =>
    problems(readFileSync(join(root, file), "utf8"), root).map((problem) => `${file}, ${problem}`)
  );
  for (const problem of found) console.error(problem);
  process.exitCode = found.length === 0 ? 0 : 1;
}
