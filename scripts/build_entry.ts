/** What a build begins with: a module that says what was built, then the program. */
import { spawnSync } from "node:child_process";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { loadedLater } from "./loaded_later.ts";

const root = join(import.meta.dirname ?? ".", "..");

/** What an executable or a package tells of itself in `hookferry version`: of which commit it is, and this. */
export interface BuildFacts {
  readonly target?: string;
}

/** Gives `build` the path of such a module, which is gone when that returns. It stands beside main.ts. */
export function withBuildEntry<Result>(
  name: string,
  facts: BuildFacts,
  build: (entry: string) => Result,
): Result {
  const { stdout, status } = spawnSync("git", ["rev-parse", "--short=12", "HEAD"], {
    cwd: root,
    encoding: "utf8",
  });
  const about = JSON.stringify({ commit: status === 0 ? stdout.trim() : null, ...facts });
  // Two builds may be under way at a time.
  const entry = join(root, `.compile_${name}_${process.pid}.mjs`);
  // Never called: by them `deno compile` finds what main.ts loads later.
  const later = loadedLater().map((path) => `() => import("./${path}");\n`).join("");
  writeFileSync(
    entry,
    `globalThis.hookferryBuild = ${about};\n${later}await import("./main.ts");\n`,
  );
  try {
    return build(entry);
  } finally {
    rmSync(entry);
  }
}
