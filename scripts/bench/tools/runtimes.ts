/** The programs that run what is measured, by their own paths: a launcher between would be measured too. */
import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { v8Flags } from "../../start_flags.ts";

export type Runtime = "deno" | "bun" | "compiled";

export const repository = join(import.meta.dirname ?? ".", "../../..");

/** Those that are asked for, and so found. */
export const versions = { deno: "2.9.6", bun: "1.4.5" };

const ask = {
  deno: [`deno@${versions.deno}`, "eval", "console.log(Deno.execPath())"],
  bun: [`bun@${versions.bun}`, "-e", "console.log(process.execPath)"],
};
const known = new Map<string, string>();

/** Where the program is; throws where there is none. */
export function pathOf(runtime: Runtime): string {
  if (runtime === "compiled") {
    const path = join(repository, "dist/hookferry");
    if (!existsSync(path)) throw new Error(`there is no ${path}: run \`deno task compile\` first`);
    return path;
  }
  const path = known.get(runtime) ??
    execFileSync("npx", ["-y", ...ask[runtime]], { encoding: "utf8" }).trim();
  known.set(runtime, path);
  return path;
}

/** The command line that runs a script of this repository. */
export function scriptCommand(runtime: Exclude<Runtime, "compiled">, script: string): string[] {
  // As `deno task start` has it, and whatever it is held against too.
  const flags = runtime === "deno" ? ["run", "--allow-all", ...v8Flags] : [];
  return [pathOf(runtime), ...flags, join(repository, script)];
}

/** The command line of hookferry itself. */
export function ourCommand(runtime: Runtime): string[] {
  return runtime === "compiled" ? [pathOf(runtime)] : scriptCommand(runtime, "main.ts");
}

/** The runtime of this process. */
export const ownRuntime: Exclude<Runtime, "compiled"> = "Deno" in globalThis ? "deno" : "bun";
