/**
 * The modules that are loaded when they are needed, by `import("…" as string)`, as paths below the repository: Deno does not
 * look for them before (docs/decisions/0013), so that a build names them.
 */
import { readdirSync, readFileSync } from "node:fs";
import { dirname, posix } from "node:path";

const root = dirname(import.meta.dirname ?? ".");

export function loadedLater(): readonly string[] {
  const sources = readdirSync(`${root}/src`, { recursive: true, encoding: "utf8" })
    .filter((file) => /\.tsx?$/.test(file))
    .map((file) => `src/${file.replaceAll("\\", "/")}`);
  const found = ["main.ts", ...sources].flatMap((file) => {
    const imports = readFileSync(`${root}/${file}`, "utf8")
      .matchAll(/\bimport\(\s*"(\.[^"]+)" as string,?\s*\)/g);
    return [...imports].map(([, path = ""]) => posix.join(posix.dirname(file), path));
  });
  return [...new Set(found)].sort();
}
