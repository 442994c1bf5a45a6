/** argv → command → exit code. */
import process from "node:process";
import { configCommand, connectCommand } from "./src/cli/connect.ts";
import { devCommand, devHelp } from "./src/cli/dev.ts";
import { exitCode } from "./src/cli/exit_code.ts";
import { relayCommand, relayHelp } from "./src/cli/relay.ts";
import { runtimeName } from "./src/runtime/runtime.ts";
import manifest from "./package.json" with { type: "json" };

const help = `hookferry: webhooks across a firewall.

  hookferry connect   run the connector (settings: file, CONNECTOR_*, flags)
  hookferry config    check or show the settings and where they come from
  hookferry dev       relay, connector and target in one process (dev --help)
  hookferry relay     run the relay (relay --help)
  hookferry version   version and runtime
  hookferry help      this

  CONNECTOR_TOKEN=... hookferry connect --cloud-url https://relay.example \\
      --channel orders --target-url http://127.0.0.1:3000/
`;

async function run(args: readonly string[]): Promise<number> {
  const [command = "connect", ...rest] = args;
  switch (command) {
    case "connect":
      return await connectCommand(rest);
    case "config":
      return configCommand(rest);
    case "dev":
      if (!rest.includes("--help")) return await devCommand(rest);
      process.stdout.write(devHelp);
      return exitCode.ok;
    case "relay":
      if (!rest.includes("--help")) return await relayCommand(rest);
      process.stdout.write(relayHelp);
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
