/** argv → command → exit code. */
import process from "node:process";
import { devCommand, devHelp } from "./src/cli/dev.ts";
import { exitCode } from "./src/cli/exit_code.ts";
import { runtimeName } from "./src/runtime/runtime.ts";
import manifest from "./package.json" with { type: "json" };

const help = `hookferry: webhooks across a firewall.

  hookferry dev       relay, connector and target in one process (dev --help)
  hookferry version   version and runtime
  hookferry help      this
`;

async function run(args: readonly string[]): Promise<number> {
  const [command = "help", ...rest] = args;
  switch (command) {
    case "dev":
      if (!rest.includes("--help")) return await devCommand(rest);
      process.stdout.write(devHelp);
      return exitCode.ok;
    case "version":
    case "--version":
      process.stdout.write(`hookferry ${manifest.version} (${runtimeName})\n`);
      return exitCode.ok;
    case "help":
    case "--help":
    case "-h":
      process.stdout.write(help);
      return exitCode.ok;
  }
  process.stderr.write(`hookferry: unknown command ${JSON.stringify(command)}\n\n${help}`);
  return exitCode.usage;
}

process.exitCode = await run(process.argv.slice(2));
