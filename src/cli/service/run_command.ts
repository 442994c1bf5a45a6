import { spawnSync } from "node:child_process";
import type { Command } from "./manager.ts";

/**
 * One after the other, each told first; what they print is seen. Undefined when all went well; else what did not,
 * and what is left to do.
 */
export function runAll(
  commands: readonly Command[],
  say: (line: string) => void,
): string | undefined {
  for (const [at, command] of commands.entries()) {
    say(`run        ${command.join(" ")}`);
    const why = run(command, "inherit");
    if (why === undefined) continue;
    const left = commands.slice(at).map((words) => words.join(" ")).join("; ");
    return `${command.join(" ")}: ${why}. Left to do: ${left}`;
  }
  return undefined;
}

/** Whether it ends with 0. */
export function runs(command: Command): boolean {
  return run(command, "ignore") === undefined;
}

function run([program = "", ...args]: Command, output: "inherit" | "ignore"): string | undefined {
  try {
    const { status, error } = spawnSync(program, args, { stdio: ["ignore", output, output] });
    if (error) return `cannot be run: ${error.message}`;
    // What Deno was not allowed to run ends with nothing.
    if (status === undefined) return "cannot be run: --allow-run does not name it";
    return status === 0 ? undefined : `ended with ${status}`;
  } catch (error) {
    return `cannot be run: ${error instanceof Error ? error.message : error}`;
  }
}
