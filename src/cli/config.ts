import process from "node:process";
import { loadConnections } from "../config/load_connections.ts";
import { didYouMean } from "../config/near_name.ts";
import { configSchema } from "../config/schema.ts";
import { explainConfig } from "./config_explain.ts";
import { initConfig } from "./config_init.ts";
import { exitCode } from "./exit_code.ts";
import { readLayers, readLayersAnd } from "./layers.ts";
import { UsageError } from "./usage_error.ts";
import type { Command } from "./command.ts";

const configHelp = `hookferry config: look at the settings without running anything.

  config check    is everything valid? all problems at once, exit 78 if not
  config show     every value and who set it (--no-origin: without that);
                  secrets as ***
  config schema   the JSON Schema of the file, for editors
  config init [FILE]    writes a commented file and its schema; asks on a
                  terminal (--no-ask: a sample; --ask: asks anywhere);
                  given up by Ctrl-C it writes nothing and exits with 130
  config explain MESSAGE.json   which targets a message would go to, with which
                  request, and what would be tried again, of each connection;
                  nothing is sent. The message is as dead-letters show prints
                  it, or by hand:
                  {"webhook_id": "stripe", "headers": {}, "body": "..."}

  Flags, variables and files are those of connect (hookferry connect --help).

  hookferry config check --config connector.yaml
`;

/** Resolves with the exit code. */
function configCommand(
  [action = "", ...args]: readonly string[],
): number | Promise<number> {
  switch (action) {
    case "check":
      return check(args);
    case "show":
      return show(args);
    case "schema":
      process.stdout.write(`${JSON.stringify(configSchema(), null, 2)}\n`);
      return exitCode.ok;
    case "init":
      return initConfig(args);
    case "explain":
      return explainConfig(args);
  }
  const actions = ["check", "show", "schema", "init", "explain"];
  throw new UsageError(
    `config ${JSON.stringify(action)}: use ${actions.join(", ")}${didYouMean(action, actions)}`,
  );
}

async function check(args: readonly string[]): Promise<number> {
  const { warnings } = loadConnections(await readLayers(args));
  for (const warning of warnings) process.stderr.write(`warning: ${warning}\n`);
  process.stdout.write("the configuration is valid\n");
  return exitCode.ok;
}

async function show(args: readonly string[]): Promise<number> {
  const { layers, flags } = await readLayersAnd(args, { origin: "boolean" });
  const withOrigin = flags.isOn("origin") ?? true;
  for (const { key, shown, origin } of loadConnections(layers).listing) {
    process.stdout.write(`${key} = ${shown}${withOrigin ? `  (${origin})` : ""}\n`);
  }
  return exitCode.ok;
}

export const config: Command = { help: configHelp, run: configCommand };
