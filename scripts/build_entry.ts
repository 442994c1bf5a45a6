/** What a build begins with: a module that says what was built, then the program. */
import { spawnSync } from "node:child_process";
import { renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { loadedLater } from "./loaded_later.ts";

const root = join(import.meta.dirname ?? ".", "..");

/** What an executable or a package tells of itself in `hookferry version`: of which commit it is, and this. */
export interface BuildFacts {
  readonly target?: string;
}

/**
 * The path of such a module, beside main.ts. It stays (git ignores it): a build at the same time reads the same. Its name
 * is a part of what Bun makes, which is the same each time.
 */
export function writeBuildEntry(name: string, facts: BuildFacts): string {
  const { stdout, status } = spawnSync("git", ["rev-parse", "--short=12", "HEAD"], {
    cwd: root,
    encoding: "utf8",
  });
  const about = JSON.stringify({ commit: status === 0 ? stdout.trim() : null, ...facts });
  // Never called: by them `deno compile` finds what main.ts loads later.
  const later = loadedLater().map((path) => `() => import("./${path}");\n`).join("");
  const entry = join(root, `.compile_${name}.mjs`);
  const written = `${entry}.${process.pid}`;
  writeFileSync(
    written,
    `globalThis.hookferryBuild = ${about};\n${later}await import("./main.ts");\n`,
  );
  renameSync(written, entry);
  return entry;
}
