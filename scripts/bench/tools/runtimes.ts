/** The programs that run what is measured, by their own paths: a launcher between would be measured too. */
import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { v8Flags } from "../../start_flags.ts";

/** From source, and what is given to others: the executable of `deno task compile`, the npm package of `deno task npm`. */
export type Runtime = ScriptRuntime | Made;
export type ScriptRuntime = "deno" | "bun";
type Made = "compiled" | "package";
export const runtimes: readonly Runtime[] = ["deno", "bun", "compiled", "package"];

export const repository = join(import.meta.dirname ?? ".", "../../..");

/** Those that are asked for, and so found. */
export const versions = { deno: "2.9.6", bun: "1.4.5" };

const ask = {
  deno: [`deno@${versions.deno}`, "eval", "console.log(Deno.execPath())"],
  bun: [`bun@${versions.bun}`, "-e", "console.log(process.execPath)"],
};
const known = new Map<string, string>();

const made: Readonly<Record<Made, { readonly file: string; readonly by: string }>> = {
  compiled: { file: join(repository, "dist/hookferry"), by: "deno task compile" },
  package: { file: join(repository, "dist/npm/hookferry.mjs"), by: "deno task npm" },
};

/** Of what is made: whether it is there. */
export function isThere(runtime: Runtime): boolean {
  return !isMade(runtime) || existsSync(made[runtime].file);
}

function isMade(runtime: Runtime): runtime is Made {
  return runtime in made;
}

/** Where the program is; throws where there is none. */
export function pathOf(runtime: Runtime): string {
  if (isMade(runtime)) {
    const { file, by } = made[runtime];
    if (!existsSync(file)) throw new Error(`there is no ${file}: run \`${by}\` first`);
    return file;
  }
  const path = known.get(runtime) ??
    execFileSync("npx", ["-y", ...ask[runtime]], { encoding: "utf8" }).trim();
  known.set(runtime, path);
  return path;
}

/** The command line that runs a script of this repository. */
export function scriptCommand(runtime: ScriptRuntime, script: string): string[] {
  return runWith(runtime, join(repository, script));
}

function runWith(runtime: ScriptRuntime, file: string): string[] {
  // As `deno task start` has it, and whatever it is held against too.
  const flags = runtime === "deno" ? ["run", "--allow-all", ...v8Flags] : [];
  return [pathOf(runtime), ...flags, file];
}

/** The runtime it is made for. */
export function scriptRuntimeOf(runtime: Runtime): ScriptRuntime {
  if (runtime === "compiled") return "bun";
  return runtime === "package" ? "deno" : runtime;
}

/** The command line of hookferry itself. */
export function ourCommand(runtime: Runtime): string[] {
  if (runtime === "compiled") return [pathOf(runtime)];
  return runtime === "package"
    ? runWith("deno", pathOf(runtime))
    : scriptCommand(runtime, "main.ts");
}

/** The runtime of this process. */
export const ownRuntime: ScriptRuntime = "Deno" in globalThis ? "deno" : "bun";
