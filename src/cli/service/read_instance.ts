import { existsSync, readFileSync } from "node:fs";
import { isAbsolute, join, resolve } from "node:path";
import process from "node:process";
import { parseEnv } from "node:util";
import { ConfigError } from "../../config/config_error.ts";
import { configEndings } from "../../config/config_file.ts";
import { loadConnections } from "../../config/load_connections.ts";
import { readWebhooksFile } from "../../relay/webhooks_file.ts";
import { readLayers } from "../layers.ts";
import { readRelayFlags } from "../relay_flags.ts";
import { UsageError } from "../usage_error.ts";
import { build, isNpmPackage } from "../version.ts";
import { environmentFile, type Instance, type Role } from "./instance.ts";
import type { Manager } from "./manager.ts";
import { assertReached, hiddenFolder, isIn, toOpen } from "./reach.ts";

export interface Given {
  readonly role: Role;
  readonly name: string;
  readonly user: string | undefined;
  readonly config: string | undefined;
  readonly tokenFile: string | undefined;
  readonly webhooksFile: string | undefined;
  readonly program: string | undefined;
  readonly more: readonly string[];
}

/** Beyond the grace that the program gives itself. */
const stopMarginSeconds = 15;
const relayStopSeconds = 20;

/**
 * What is asked for, looked at as the service will see it: files are read below `root`. Rejects with a
 * `UsageError`, or a `ConfigError` with all that would keep it from starting. `manager` is undefined where nothing is known of it.
 */
export async function readInstance(
  given: Given,
  manager: Manager | undefined,
  root: string,
): Promise<Instance> {
  const { role, name, user, more } = given;
  const typed = more.find((word) => /^--(from|token-stdin)(=|$)/.test(word));
  if (typed !== undefined) throw new UsageError(`${typed}: nobody types anything into a service`);
  const control = [user, given.config, given.tokenFile, given.webhooksFile, ...more]
    .find((text) => /\p{Cc}/u.test(text ?? ""));
  if (control !== undefined) {
    throw new UsageError(
      `${JSON.stringify(control)}: control characters cannot stand in a service`,
    );
  }
  if (user !== undefined && !/^[\w.\\ $-]+$/.test(user)) {
    throw new UsageError(`--user ${JSON.stringify(user)}: use the name of a user`);
  }
  if (user === undefined && manager && !manager.makesUsers) {
    throw new UsageError("give --user: only systemd makes a user for a service that names none");
  }
  const program = findProgram(given.program);
  const config = role === "relay" ? undefined : resolve(given.config ?? findConfig(name, root));
  const { tokenFile, webhooksFile } = files(given);
  const visible = { "--program": program, "--config": config };
  for (const [flag, path] of Object.entries(visible)) assertVisible(flag, path, manager);
  const common = { name, role, program, user, config, tokenFile, webhooksFile, more };
  if (role === "relay") {
    if (webhooksFile === undefined) {
      throw new UsageError(
        "give --webhooks FILE ({} for none): without it a relay prints the token of its first " +
          "channel, and what a service prints is in the system's log",
      );
    }
    assertWebhooks(join(root, webhooksFile));
    const { listen, data, tlsCert, tlsKey } = readRelayFlags(more, environmentOf(name, root));
    // Who may read the key is for systemctl edit to say (docs/OPERATIONS.md).
    const used = [tlsCert, tlsKey].filter((path) => path !== undefined);
    const written = outside(data === undefined ? [] : [data]);
    if (manager) assertReached({ used, written }, manager, { name, user, root });
    return {
      ...common,
      written,
      stopSeconds: relayStopSeconds,
      isPrivileged: listen.port < 1024,
    };
  }
  const path = join(root, config ?? "");
  const checked = await checkConnector(path, tokenFile && join(root, tokenFile), name, root, more);
  if (user === undefined) assertReadable(path, root);
  const written = outside(checked.journals);
  if (manager) assertReached({ read: checked.read, written }, manager, { name, user, root });
  return {
    ...common,
    written,
    tokenFile: tokenFile ?? checked.tokenFile,
    stopSeconds: Math.ceil(checked.graceSeconds) + stopMarginSeconds,
    isPrivileged: false,
  };

  function outside(folders: readonly string[]): readonly string[] {
    const state = manager?.stateFolder(name);
    return folders.filter((folder) => state === undefined || !isIn(folder, state));
  }
}

function files({ role, tokenFile, webhooksFile, config }: Given) {
  if (role === "relay" && tokenFile !== undefined) {
    throw new UsageError("--token-file is a connector's; a relay's tokens are in --webhooks");
  }
  if (role === "relay" && config !== undefined) {
    throw new UsageError("--config is a connector's; give a relay its flags after --");
  }
  if (role === "connector" && webhooksFile !== undefined) {
    throw new UsageError("--webhooks is a relay's");
  }
  return {
    tokenFile: tokenFile === undefined ? undefined : resolve(tokenFile),
    webhooksFile: webhooksFile === undefined ? undefined : resolve(webhooksFile),
  };
}

interface Checked {
  /** The longest of its connections. */
  readonly graceSeconds: number;
  /** The file that its configuration has the token in, where that is one for all of them. */
  readonly tokenFile: string | undefined;
  /** What it reads besides configuration and token. */
  readonly read: readonly string[];
  /** Folders. */
  readonly journals: readonly string[];
}

/** Rejects with a `ConfigError`. */
async function checkConnector(
  config: string,
  tokenFile: string | undefined,
  name: string,
  root: string,
  more: readonly string[],
): Promise<Checked> {
  const args = ["--config", config, ...more];
  const env = environmentOf(name, root);
  const token = tokenFile === undefined ? {} : { CONNECTOR_TOKEN_FILE: tokenFile };
  const layers = { ...await readLayers(args), env: { ...env, ...token } };
  const { first: { values }, connections, files } = loadConnections(layers);
  const all = [...connections.values()].map(({ settings }) => settings);
  const named = values.get("token_file");
  const isHandedOver = connections.has("") && values.get("token") === undefined &&
    layers.flags["token_file"] === undefined && isAbsolute(named ?? "");
  const own = [config, tokenFile, isHandedOver ? named : undefined];
  return {
    graceSeconds: Math.max(...all.map(({ delivery }) => delivery.shutdownGraceMs)) / 1000,
    tokenFile: isHandedOver ? named : undefined,
    read: files.filter((file) => !own.includes(file)),
    journals: all.flatMap(({ journal: { place } }) => place.kind === "folder" ? place.folder : []),
  };
}

/** The variables that the service sees: these alone. */
function environmentOf(name: string, root: string): Readonly<Record<string, string | undefined>> {
  const file = join(root, environmentFile(name));
  return existsSync(file) ? parseEnv(readFileSync(file, "utf8")) : {};
}

function assertWebhooks(path: string): void {
  try {
    readWebhooksFile(readFileSync(path, "utf8"));
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new ConfigError([`--webhooks ${path}: ${why}`]);
  }
}

/** This program, when it is one file. */
function findProgram(given: string | undefined): string {
  if (given !== undefined) {
    if (isAbsolute(given)) return given;
    throw new UsageError(`--program ${JSON.stringify(given)}: use an absolute path`);
  }
  if (build && !isNpmPackage) return process.execPath;
  throw new UsageError(
    `hookferry ${
      build ? "is an npm package" : "runs from its source"
    } here: give --program FILE, ` +
      "the executable that the service is to run (of a release, or from deno task compile)",
  );
}

function findConfig(name: string, root: string): string {
  const found = configEndings.map((ending) => `/etc/hookferry/${name}.${ending}`)
    .find((path) => existsSync(join(root, path)));
  if (found !== undefined) return found;
  throw new UsageError(
    `give --config FILE: there is no /etc/hookferry/${name}.{${configEndings.join(",")}}`,
  );
}

function assertVisible(flag: string, path: string | undefined, manager: Manager | undefined): void {
  const folder = manager && path && hiddenFolder(path, manager);
  if (!folder) return;
  throw new UsageError(
    `${flag} ${path}: a service sees nothing of ${folder}; put it elsewhere, as in ` +
      (flag === "--program" ? "/usr/local/bin" : "/etc/hookferry"),
  );
}

function assertReadable(path: string, root: string): void {
  const open = toOpen(path, root);
  if (open === undefined) return;
  throw new UsageError(
    `${path} cannot be read by the user that the service gets: ${open} and have the token ` +
      "in a file of its own (--token-file), or give --user",
  );
}
