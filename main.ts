/** argv → command → exit code. */
import process from "node:process";
import type { Command } from "./src/cli/command.ts";
import { connect } from "./src/cli/connect.ts";
import { ControlError } from "./src/cli/control_client.ts";
import { exitCode } from "./src/cli/exit_code.ts";
import { UsageError } from "./src/cli/usage_error.ts";
import { ConfigError } from "./src/config/config_error.ts";
import { didYouMean } from "./src/config/near_name.ts";
import { TracingError } from "./src/observe/tracing.ts";
import { visibleLines } from "./src/output/visible.ts";
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

/**
 * Each but the default is loaded when it runs: a connector does not carry what a relay needs. The default is at hand: on
 * Deno what is loaded later takes longer to begin. `as string` keeps Deno from reading all of them before it begins
 * (docs/decisions/0013).
 */
const commands: Readonly<Record<string, () => Command | Promise<Command>>> = {
  connect: () => connect,
  config: async () => (await import("./src/cli/config.ts" as string)).config,
  dev: async () => (await import("./src/cli/dev.ts" as string)).dev,
  relay: async () => (await import("./src/cli/relay.ts" as string)).relay,
  send: async () => (await import("./src/cli/send.ts" as string)).send,
  doctor: async () => (await import("./src/cli/doctor/doctor.ts" as string)).doctor,
  "dead-letters": async () => (await import("./src/cli/dead_letters.ts" as string)).deadLetters,
  pause: async () => (await import("./src/cli/pause.ts" as string)).pause,
  resume: async () => (await import("./src/cli/pause.ts" as string)).resume,
  "rotate-token": async () => (await import("./src/cli/rotate_token.ts" as string)).rotateToken,
  service: async () => (await import("./src/cli/service/service.ts" as string)).service,
  status: async () => (await import("./src/cli/status.ts" as string)).status,
  healthcheck: async () => (await import("./src/cli/healthcheck.ts" as string)).healthcheck,
  version: async () => (await import("./src/cli/version.ts" as string)).versionCommand,
  completions: async () =>
    (await import("./src/cli/completions.ts" as string)).completions(allCommands),
  man: async () => (await import("./src/cli/man.ts" as string)).man(allCommands),
  help: () => ({ help, run: ([name = ""]) => helpOf(name) }),
};
const aliases: Readonly<Record<string, string>> = {
  "--version": "version",
  "--help": "help",
  "-h": "help",
  "-v": "version",
  "-V": "version",
};

/** In the order above. */
async function allCommands(): Promise<Readonly<Record<string, Command>>> {
  const all: Record<string, Command> = {};
  for (const [name, load] of Object.entries(commands)) all[name] = await load();
  return all;
}

async function commandOf(name: string): Promise<Command | undefined> {
  return Object.hasOwn(commands, name) ? await commands[name]?.() : undefined;
}

/** `hookferry help COMMAND`. */
async function helpOf(name: string): Promise<number> {
  const command = await commandOf(name || "help");
  return command ? print(command.help) : unknown(name);
}

function unknown(name: string): number {
  const meant = didYouMean(name, Object.keys(commands));
  return fail(
    exitCode.usage,
    `unknown command ${JSON.stringify(name)}${meant}\nhookferry help lists them`,
  );
}

async function run(args: readonly string[]): Promise<number> {
  const [first = "connect", ...rest] = args;
  const name = aliases[first] ?? (first.startsWith("-") ? "connect" : first);
  const command = await commandOf(name);
  if (!command) return unknown(first);
  if (rest.includes("--help") || rest.includes("-h")) return print(command.help);
  try {
    return await command.run(name === "connect" && first !== "connect" ? args : rest);
  } catch (error) {
    if (error instanceof UsageError) return fail(exitCode.usage, error.message);
    if (error instanceof CannotListenError) return fail(exitCode.unexpected, error.message);
    if (error instanceof ControlError) return fail(exitCode.unexpected, error.message);
    // A server not yet up, a full disk: another start may do better, and who starts services is to try it.
    if (error instanceof StoreOpenError) return fail(exitCode.unexpected, error.message);
    if (error instanceof DatabaseOpenError) return fail(exitCode.unexpected, error.message);
    if (error instanceof TracingError) return fail(exitCode.badConfig, error.message);
    if (error instanceof ConfigError) {
      const other = args.length > 0
        ? ""
        : "\nhookferry dev shows it at work, hookferry help lists all";
      return fail(exitCode.badConfig, error.message + other);
    }
    throw error;
  }
}

function print(text: string): number {
  process.stdout.write(text);
  return exitCode.ok;
}

function fail(code: number, message: string): number {
  process.stderr.write(`hookferry: ${visibleLines(message)}\n`);
  return code;
}

// Whoever read it has seen enough, as in `hookferry help | head -1`.
process.stdout.on("error", () => {});
process.exitCode = await run(process.argv.slice(2));
if (hasGivenUp()) process.exit();
