import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { ConfigError } from "../config/config_error.ts";
import { configEndings, type ConfigFile } from "../config/config_file.ts";
import type { Layers } from "../config/merge.ts";
import { flagName, options } from "../config/options.ts";
import { type ConnectString, parseConnectString } from "./connect_string.ts";
import { type Flags, parseFlags } from "./flags.ts";
import { homeFolder } from "./home_folder.ts";
import { badTarget, targetUrl } from "./target_flag.ts";
import { UsageError } from "./usage_error.ts";

/**
 * The layers the configuration is made from: `--config` or the first file found, environment, flags. A command's `own`
 * flags are passed over.
 */
export async function readLayers(
  args: readonly string[],
  own: Readonly<Record<string, "string" | "boolean">> = {},
): Promise<Layers> {
  const { layers, flags: { positionals: [url] } } = await readLayersAnd(args, own, 1);
  if (url === undefined) return layers;
  // As other clients of smee.io are called; anything else is a slip.
  if (layers.flags["source"] === undefined || layers.flags["cloud_url"] !== undefined) {
    throw new UsageError(`${JSON.stringify(url)} is not expected here`);
  }
  return { ...layers, flags: { ...layers.flags, cloud_url: url } };
}

/**
 * The same for a command that has flags and words of its own beside the settings. `onUnread` is told of a file that
 * cannot be read, and the layers are without it; where there is none, it rejects with that `ConfigError`.
 */
export async function readLayersAnd(
  args: readonly string[],
  own: Readonly<Record<string, "string" | "boolean">>,
  maxPositionals = 0,
  onUnread?: (error: ConfigError) => void,
): Promise<{ readonly layers: Layers; readonly flags: Flags }> {
  if (args.some((arg) => /^--token(=|$)/.test(arg))) {
    throw new UsageError(
      "--token would show the token in the process list; use CONNECTOR_TOKEN, --token-file, " +
        "CONNECTOR_TOKEN_FILE, --token-stdin, or `token` in the configuration file",
    );
  }
  const settable = options.filter(({ flag }) => flag !== false);
  const given = parseFlags(args, {
    ...own,
    "config": "string",
    "to": "string",
    "token-stdin": "boolean",
    "from": "string",
    ...Object.fromEntries(
      settable.map((option) => [
        flagName(option),
        option.kind.type === "boolean" ? "boolean" : "string",
      ]),
    ),
  }, maxPositionals);
  const { text, isOn } = given;
  const to = text("to");
  if (to !== undefined && !targetUrl(to)) throw new UsageError(badTarget(to));
  const config = text("config");
  if (config !== undefined && !existsSync(config)) {
    throw new ConfigError([`--config ${JSON.stringify(config)}: there is no such file`]);
  }
  const path = config ?? findFile();
  const from = readConnectString(text("from"));
  const set = Object.fromEntries(settable.map((option) => {
    const name = flagName(option);
    return [option.key, option.kind.type === "boolean" ? isOn(name)?.toString() : text(name)];
  }));
  const layers: Layers = {
    file: path === undefined ? undefined : await readFileOr(path, onUnread),
    env: process.env,
    flags: {
      ...set,
      ...(from && { cloud_url: from.url, channel: from.channel }),
      ...(to !== undefined && { target_url: targetUrl(to) }),
    },
    ...(from && { stdinToken: from.token }),
    ...(isOn("token-stdin") && { stdinToken: readFileSync(0, "utf8").trim() }),
  };
  return { layers, flags: given };
}

/** Rejects with a `ConfigError`. What reads YAML is loaded for it: most of a connector's memory is what it has loaded. */
export async function readFileLayer(path: string): Promise<ConfigFile> {
  const { readConfigFile }: typeof import("../config/read_config_file.ts") = await import(
    "../config/read_config_file.ts" as string
  );
  return readConfigFile(path);
}

async function readFileOr(
  path: string,
  onUnread?: (error: ConfigError) => void,
): Promise<ConfigFile | undefined> {
  try {
    return await readFileLayer(path);
  } catch (error) {
    if (!(error instanceof ConfigError && onUnread)) throw error;
    onUnread(error);
    return undefined;
  }
}

/** `--from -`: the line that `hookferry relay` printed, from standard input: it holds the token. */
function readConnectString(from: string | undefined): ConnectString | undefined {
  if (from === undefined) return undefined;
  if (from !== "-") {
    throw new UsageError(
      "--from takes only -: the line is read from standard input, not shown in the process list",
    );
  }
  const parsed = parseConnectString(readFileSync(0, "utf8"));
  if (parsed) return parsed;
  throw new UsageError(
    "--from -: what came on standard input is no line of hookferry relay " +
      "(hookferry+https://CHANNEL:TOKEN@HOST)",
  );
}

/** `./connector.{json,jsonc,yaml,yml}`, then the same in the user's folder, then in /etc. */
function findFile(): string | undefined {
  const user = process.env["XDG_CONFIG_HOME"] || join(homeFolder(), ".config");
  return [".", join(user, "hookferry"), "/etc/hookferry"]
    .flatMap((folder) => configEndings.map((ending) => join(folder, `connector.${ending}`)))
    .find((path) => existsSync(path));
}
