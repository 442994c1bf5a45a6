import process from "node:process";
import { commandLines, type Helps } from "./command_lines.ts";
import type { Command } from "./command.ts";
import { completionScripts } from "./completion_scripts.ts";
import { exitCode } from "./exit_code.ts";
import { parseFlags } from "./flags.ts";
import { UsageError } from "./usage_error.ts";

const completionsHelp =
  `hookferry completions SHELL: a script that lets it complete commands and flags.

  completions bash         source <(hookferry completions bash)
  completions zsh          to a file _hookferry in a folder of $fpath
  completions fish         to ~/.config/fish/completions/hookferry.fish
  completions powershell   hookferry completions powershell | Out-String |
                           Invoke-Expression

  hookferry completions fish > ~/.config/fish/completions/hookferry.fish
`;

/** Prints the script for one shell. Its run throws `UsageError`. */
export function completions(helps: () => Promise<Helps>): Command {
  return {
    help: completionsHelp,
    async run(args) {
      const [shell = ""] = parseFlags(args, {}, 1).positionals;
      const script = Object.hasOwn(completionScripts, shell) ? completionScripts[shell] : undefined;
      if (!script) {
        const shells = Object.keys(completionScripts).join(", ");
        throw new UsageError(`completions ${JSON.stringify(shell)}: use one of ${shells}`);
      }
      process.stdout.write(script(commandLines(await helps())));
      return exitCode.ok;
    },
  };
}
