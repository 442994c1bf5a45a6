import process from "node:process";
import { listing } from "../config/listing.ts";
import { loadSettings } from "../config/load.ts";
import { configSchema } from "../config/schema.ts";
import { exitCode } from "./exit_code.ts";
import { readLayers, readLayersAnd } from "./layers.ts";
import { UsageError } from "./usage_error.ts";

export const configHelp = `hookferry config: look at the settings without running anything.

  config check    is everything valid? all problems at once, exit 78 if not
  config show     every value and who set it (--no-origin: without that);
                  secrets as ***
  config schema   the JSON Schema of the file, for editors

  Flags, variables and files are those of connect (hookferry connect --help).

  hookferry config check --config connector.yaml
`;

/** Resolves with the exit code. */
export function configCommand([action = "", ...args]: readonly string[]): number {
  switch (action) {
    case "check":
      return check(args);
    case "show":
      return show(args);
    case "schema":
      process.stdout.write(`${JSON.stringify(configSchema(), null, 2)}\n`);
      return exitCode.ok;
  }
  throw new UsageError(`config ${JSON.stringify(action)}: use check, show or schema`);
}

function check(args: readonly string[]): number {
  const { warnings } = loadSettings(readLayers(args));
  for (const warning of warnings) process.stderr.write(`warning: ${warning}\n`);
  process.stdout.write("the configuration is valid\n");
  return exitCode.ok;
}

function show(args: readonly string[]): number {
  const { layers, flags } = readLayersAnd(args, { origin: "boolean" });
  const withOrigin = flags.isOn("origin") ?? true;
  for (const { key, shown, origin } of listing(loadSettings(layers))) {
    process.stdout.write(`${key} = ${shown}${withOrigin ? `  (${origin})` : ""}\n`);
  }
  return exitCode.ok;
}
