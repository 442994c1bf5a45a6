/** Commands of this machine, as a person would run them. */
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import process from "node:process";

export interface Ran {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a command to its end. The environment is the given one and PATH. */
export async function run(
  [command = "", ...args]: readonly string[],
  env: Readonly<Record<string, string>> = {},
  stdin = "",
): Promise<Ran> {
  const child = spawn(command, args, { env: { PATH: process.env["PATH"] ?? "", ...env } });
  let stdout = "", stderr = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => stdout += text);
  child.stderr.setEncoding("utf8").on("data", (text: string) => stderr += text);
  child.stdin.on("error", () => {}); // it may not read
  child.stdin.end(stdin);
  const [code] = await once(child, "close");
  return { code, stdout, stderr };
}

/** Why tests that need a tool are skipped here; undefined when they are not. */
export function missing(tool: string): string | undefined {
  return spawnSync("sh", ["-c", `command -v ${tool}`], { stdio: "ignore" }).status === 0
    ? undefined
    : `no ${tool} on this machine: apt-get install it`;
}

/** Why tests that must be root are skipped here. */
export const notRoot: string | undefined = process.getuid?.() === 0 ? undefined : "not root";
