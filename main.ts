/** argv → command → exit code. */
import process from "node:process";
import { completionsCommand, completionsHelp } from "./src/cli/completions.ts";
import { configCommand, configHelp } from "./src/cli/config.ts";
import { connectCommand, connectHelp } from "./src/cli/connect.ts";
import { ControlError } from "./src/cli/control_client.ts";
import { deadLettersCommand, deadLettersHelp } from "./src/cli/dead_letters.ts";
import { devCommand, devHelp } from "./src/cli/dev.ts";
import { doctorCommand, doctorHelp } from "./src/cli/doctor/doctor.ts";
import { exitCode } from "./src/cli/exit_code.ts";
import { healthcheckCommand, healthcheckHelp } from "./src/cli/healthcheck.ts";
import { manCommand, manHelp } from "./src/cli/man.ts";
import { pauseCommand, pauseHelp, resumeCommand, resumeHelp } from "./src/cli/pause.ts";
import { relayCommand, relayHelp } from "./src/cli/relay.ts";
import { rotateTokenCommand, rotateTokenHelp } from "./src/cli/rotate_token.ts";
import { sendCommand, sendHelp } from "./src/cli/send.ts";
import { serviceCommand, serviceHelp } from "./src/cli/service/service.ts";
import { statusCommand, statusHelp } from "./src/cli/status.ts";
import { UsageError } from "./src/cli/usage_error.ts";
import { versionCommand, versionHelp } from "./src/cli/version.ts";
import { ConfigError } from "./src/config/config_error.ts";
import { TracingError } from "./src/observe/tracing.ts";
import { StoreOpenError } from "./src/relay/store.ts";
import { hasGivenUp } from "./src/runtime/given_up.ts";
import { CannotListenError } from "./src/runtime/serve.ts";
import { DatabaseOpenError } from "./src/sqlite/database.ts";

const help = `hookferry: webhooks across a firewall.

  hookferry dev          see it work: relay, connector and target in one process
  hookferry relay        run the relay, where senders can reach it
  hookferry connect      run the connector, where the targets are (the default)
  hookferry send URL     post sample webhooks, signed
  hookferry config       check, show, begin or explain the settings
  hookferry doctor       what keeps a connector from working, and what to do
  hookferry dead-letters what a target would not take: list, show, replay, drop
  hookferry pause        a running connector takes nothing new; resume undoes it
  hookferry rotate-token a new token for a channel of a running relay
  hookferry service      have systemd, OpenRC or launchd run either
  hookferry status       what a running connector is doing
  hookferry healthcheck  ask a running connector how it is
  hookferry version      version and runtime
  hookferry completions  for your shell; hookferry man: the manual page
  hookferry help         this; COMMAND --help tells more

  hookferry dev --to 3000
  hookferry relay --listen 0.0.0.0:8420
  CONNECTOR_TOKEN=... hookferry connect --cloud-url https://relay.example \\
      --channel orders --to 3000
`;

interface Command {
  readonly help: string;
  /** Resolves with the exit code. */
  readonly run: (args: readonly string[]) => Promise<number> | number;
}

const commands: Readonly<Record<string, Command>> = {
  connect: { help: connectHelp, run: connectCommand },
  config: { help: configHelp, run: configCommand },
  dev: { help: devHelp, run: devCommand },
  relay: { help: relayHelp, run: relayCommand },
  send: { help: sendHelp, run: sendCommand },
  doctor: { help: doctorHelp, run: doctorCommand },
  "dead-letters": { help: deadLettersHelp, run: deadLettersCommand },
  pause: { help: pauseHelp, run: pauseCommand },
  resume: { help: resumeHelp, run: resumeCommand },
  "rotate-token": { help: rotateTokenHelp, run: rotateTokenCommand },
  service: { help: serviceHelp, run: serviceCommand },
  status: { help: statusHelp, run: statusCommand },
  healthcheck: { help: healthcheckHelp, run: healthcheckCommand },
  version: { help: versionHelp, run: versionCommand },
  completions: { help: completionsHelp, run: (args) => completionsCommand(args, commands) },
  man: { help: manHelp, run: (args) => manCommand(args, commands) },
  help: { help, run: () => print(help) },
};
const aliases: Readonly<Record<string, string>> = {
  "--version": "version",
  "--help": "help",
  "-h": "help",
};

async function run(args: readonly string[]): Promise<number> {
  const [first = "connect", ...rest] = args;
  const name = aliases[first] ?? (first.startsWith("-") ? "connect" : first);
  const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (!command) {
    return fail(exitCode.usage, `unknown command ${JSON.stringify(first)}\n\n${help.trimEnd()}`);
  }
  if (rest.includes("--help") || rest.includes("-h")) return print(command.help);
  try {
    return await command.run(name === "connect" && first !== "connect" ? args : rest);
  } catch (error) {
    if (error instanceof UsageError) return fail(exitCode.usage, error.message);
    if (error instanceof CannotListenError) return fail(exitCode.unexpected, error.message);
    if (error instanceof ControlError) return fail(exitCode.unexpected, error.message);
    if (error instanceof StoreOpenError) return fail(exitCode.badConfig, error.message);
    if (error instanceof DatabaseOpenError) return fail(exitCode.badConfig, error.message);
    if (error instanceof TracingError) return fail(exitCode.badConfig, error.message);
    if (error instanceof ConfigError) return fail(exitCode.badConfig, error.message);
    throw error;
  }
}

function print(text: string): number {
  process.stdout.write(text);
  return exitCode.ok;
}

function fail(code: number, message: string): number {
  process.stderr.write(`hookferry: ${message}\n`);
  return code;
}

// Whoever read it has seen enough, as in `hookferry help | head -1`.
process.stdout.on("error", () => {});
process.exitCode = await run(process.argv.slice(2));
if (hasGivenUp()) process.exit();
