import process from "node:process";
import manifest from "../../package.json" with { type: "json" };
import { runtimeName } from "../runtime/runtime.ts";
import { exitCode } from "./exit_code.ts";
import { parseFlags } from "./flags.ts";
import type { Command } from "./command.ts";

export const version: string = manifest.version;

const versionHelp = `hookferry version: which one this is.

  --json    version, commit, runtime and target as one line of JSON; the
            commit is null when it runs from source

  hookferry version --json
`;

/** What scripts/compile.ts and scripts/package/npm.ts put into what they make. */
interface Build {
  readonly commit: string | null;
  /** What the executable is for; undefined in the npm package. */
  readonly target?: string;
}

/** Undefined when it runs from source. */
export const build = (globalThis as { hookferryBuild?: Build }).hookferryBuild;

/** Not one executable: Node starts a Deno that runs it. */
export const isNpmPackage = build !== undefined && build.target === undefined;

function tellVersion(args: readonly string[]): number {
  const { isOn } = parseFlags(args, { json: "boolean" });
  const about = {
    version,
    commit: build?.commit ?? null,
    runtime: runtimeName,
    target: build?.target ?? `${process.platform}-${process.arch}`,
  };
  process.stdout.write(
    isOn("json") ? `${JSON.stringify(about)}\n` : `hookferry ${version} (${runtimeName})\n`,
  );
  return exitCode.ok;
}

export const versionCommand: Command = { help: versionHelp, run: tellVersion };
