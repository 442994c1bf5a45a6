import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { parseArgs } from "node:util";
import { ConfigError, type Layers } from "../config/load.ts";
import { flagName, options } from "../config/options.ts";

/** The command line cannot be understood. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/** The layers the configuration is made from: `--config` or the first file found, environment, flags. */
export function readLayers(args: readonly string[]): Layers {
  if (args.some((arg) => /^--token(=|$)/.test(arg))) {
    throw new UsageError(
      "--token would show the token in the process list; use CONNECTOR_TOKEN, --token-file, " +
        "CONNECTOR_TOKEN_FILE, or `token` in the configuration file",
    );
  }
  const flags = options.filter(({ flag }) => flag !== false);
  let values: Record<string, string | boolean | undefined>;
  try {
    ({ values } = parseArgs({
      args: [...args],
      options: {
        config: { type: "string" },
        ...Object.fromEntries(
          flags.map((option) => [flagName(option), { type: "string" } as const]),
        ),
      },
    }));
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
  const text = (name: string) => typeof values[name] === "string" ? values[name] : undefined;
  const file = text("config");
  if (file !== undefined && !existsSync(file)) {
    throw new ConfigError([`--config ${JSON.stringify(file)}: there is no such file`]);
  }
  return {
    file: file ?? findFile(),
    env: process.env,
    flags: Object.fromEntries(flags.map((option) => [option.key, text(flagName(option))])),
  };
}

function findFile(): string | undefined {
  const user = process.env["XDG_CONFIG_HOME"] || join(homedir(), ".config");
  return [".", join(user, "hookferry"), "/etc/hookferry"]
    .flatMap((folder) =>
      ["json", "jsonc", "yaml", "yml"].map((ending) => join(folder, `connector.${ending}`))
    )
    .find((path) => existsSync(path));
}
