import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { dirname, join, resolve } from "node:path";
import process from "node:process";
import { didYouMean } from "../../config/near_name.ts";
import { exitCode } from "../exit_code.ts";
import { type Flags, parseFlags } from "../flags.ts";
import { UsageError } from "../usage_error.ts";
import { findManager } from "./find_manager.ts";
import { madeBy, roles, serviceName } from "./instance.ts";
import { readInstance } from "./read_instance.ts";
import { runAll, runs } from "./run_command.ts";
import { windowsInstructions } from "./windows.ts";
import type { Command } from "../command.ts";

const serviceHelp = `hookferry service: have the system run a connector or a relay.

  service install [connector|relay] [-- FLAGS]   writes its unit and starts it;
                        FLAGS are those of connect or relay
  service uninstall     stops it, removes the unit; its state stays
  service status        those that are installed; exit 1 when one does not run

  --name NAME           which one (default: connector or relay); any number of
                        them stand side by side
  --config FILE         default /etc/hookferry/NAME.{json,jsonc,yaml,yml}
  --token-file FILE     the connector's token; only root need be able to read it
  --webhooks FILE       the relay's channels; only root need be able to read it
  --user NAME           who it runs as (default: systemd makes a user)
  --manager NAME        systemd, openrc, launchd or windows (instructions
                        only); default: what runs this machine
  --program FILE        default: this program
  --root DIR            write and read below it, start nothing
  --dry-run             show what would be written and run

  hookferry service install --token-file /etc/hookferry/token --dry-run
`;

const flagTypes = {
  "name": "string",
  "user": "string",
  "config": "string",
  "token-file": "string",
  "webhooks": "string",
  "manager": "string",
  "program": "string",
  "root": "string",
  "dry-run": "boolean",
} as const;

/** Resolves with the exit code. Fails with a `UsageError` or a `ConfigError`. */
function serviceCommand([action = "", ...args]: readonly string[]): number | Promise<number> {
  const end = args.indexOf("--");
  const flags = parseFlags(end < 0 ? args : args.slice(0, end), flagTypes, 1);
  const more = end < 0 ? [] : args.slice(end + 1);
  switch (action) {
    case "install":
      return install(flags, more);
    case "uninstall":
      return uninstall(flags);
    case "status":
      return status(flags);
  }
  const actions = ["install", "uninstall", "status"];
  throw new UsageError(
    `service ${JSON.stringify(action)}: use ${actions.join(", ")}${didYouMean(action, actions)}`,
  );
}

async function install(flags: Flags, more: readonly string[]): Promise<number> {
  const { text } = flags;
  const manager = findManager(text("manager"));
  const root = rootOf(flags);
  const instance = await readInstance(
    {
      role: roleOf(flags) ?? "connector",
      name: nameOf(flags),
      user: text("user"),
      config: text("config"),
      tokenFile: text("token-file"),
      webhooksFile: text("webhooks"),
      program: text("program"),
      more,
    },
    manager,
    root,
  );
  const isDry = flags.isOn("dry-run") ?? false;
  if (!manager) {
    say(windowsInstructions(instance).trimEnd());
    if (isDry) return exitCode.ok;
    return fail("nothing is installed: on Windows enter the above yourself");
  }
  const service = serviceName(instance.name);
  const path = join(root, manager.folder, service + manager.ending);
  const content = manager.text(instance);
  const isHere = root === "/";
  const isRunning = isHere && runs(manager.isRunning(service));
  const before = isRunning ? manager.unload(service) : [];
  const commands = isHere ? [...before, ...manager.start(instance)] : [];
  say(`# ${path}\n${content}`);
  assertOurs(path);
  if (isDry) {
    for (const command of commands) say(`would run  ${command.join(" ")}`);
    return exitCode.ok;
  }
  try {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(`${path}.new`, content, { mode: manager.mode });
    renameSync(`${path}.new`, path);
  } catch (error) {
    return fail(cannot("write", path, error));
  }
  say(`written    ${path}`);
  const failure = runAll(commands, say);
  if (failure === undefined) return exitCode.ok;
  return fail(failure);
}

function uninstall(flags: Flags): number {
  const { manager, root, path, service } = installed(flags);
  if (!existsSync(path)) return fail(`there is no ${path}: nothing to remove`);
  assertOurs(path);
  const isHere = root === "/";
  const before = isHere ? manager.stop(service) : [];
  const after = isHere ? manager.forget(service) : [];
  if (flags.isOn("dry-run")) {
    for (const command of before) say(`would run  ${command.join(" ")}`);
    say(`would remove ${path}`);
    for (const command of after) say(`would run  ${command.join(" ")}`);
    return exitCode.ok;
  }
  const failure = runAll(before, say);
  if (failure !== undefined) return fail(`${failure}. Nothing is removed`);
  try {
    rmSync(path);
  } catch (error) {
    return fail(cannot("remove", path, error));
  }
  say(`removed    ${path}`);
  say(`kept       ${join(root, manager.stateFolder(nameOf(flags)))} (its journal or messages)`);
  const late = runAll(after, say);
  return late === undefined ? exitCode.ok : fail(late);
}

function status(flags: Flags): number {
  const { manager, root, folder } = installed(flags);
  const only = flags.text("name") ?? roleOf(flags);
  const services = (existsSync(folder) ? readdirSync(folder) : [])
    .filter((file) => file.endsWith(manager.ending) && isOurs(join(folder, file)))
    .map((file) => file.slice(0, file.length - manager.ending.length))
    .filter((service) => only === undefined || service === serviceName(only))
    .sort();
  if (services.length === 0) {
    return fail(only === undefined ? `none is installed in ${folder}` : `no ${only} in ${folder}`);
  }
  let all = true;
  for (const service of services) {
    const isRunning = root === "/" ? runs(manager.isRunning(service)) : undefined;
    all &&= isRunning ?? true;
    const state = isRunning === undefined ? "installed" : isRunning ? "running" : "not running";
    say(`${state.padEnd(12)}${service}  ${join(folder, service + manager.ending)}`);
  }
  return all ? exitCode.ok : exitCode.unexpected;
}

function installed(flags: Flags) {
  const manager = findManager(flags.text("manager"));
  if (!manager) throw new UsageError("on Windows see it in the Task Scheduler (taskschd.msc)");
  const root = rootOf(flags);
  const service = serviceName(nameOf(flags));
  const folder = join(root, manager.folder);
  return { manager, root, service, folder, path: join(folder, service + manager.ending) };
}

function rootOf({ text }: Flags): string {
  return resolve(text("root") ?? "/");
}

function roleOf({ positionals: [word] }: Flags): (typeof roles)[number] | undefined {
  const role = roles.find((each) => each === word);
  if (role !== undefined || word === undefined) return role;
  throw new UsageError(`service ${JSON.stringify(word)}: use connector or relay`);
}

function nameOf(flags: Flags): string {
  const name = flags.text("name") ?? roleOf(flags) ?? "connector";
  if (/^[a-z0-9][a-z0-9_-]{0,39}$/.test(name)) return name;
  throw new UsageError(
    `--name ${JSON.stringify(name)}: use up to 40 of a-z, 0-9, _ and -, a letter or digit first`,
  );
}

function isOurs(path: string): boolean {
  try {
    return readFileSync(path, "utf8").includes(madeBy);
  } catch {
    return false;
  }
}

function assertOurs(path: string): void {
  if (!existsSync(path) || isOurs(path)) return;
  throw new UsageError(
    `${path} is there and was not made by hookferry: use another --name, or remove it`,
  );
}

function cannot(what: string, path: string, error: unknown): string {
  const { code } = error as NodeJS.ErrnoException;
  const why = error instanceof Error ? error.message : String(error);
  const isRight = code === "EACCES" || code === "EPERM";
  return `cannot ${what} ${path}: ${why}${
    isRight ? "; run it as root (sudo), or look at it with --dry-run" : ""
  }`;
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

function fail(message: string): number {
  process.stderr.write(`hookferry service: ${message}\n`);
  return exitCode.unexpected;
}

export const service: Command = { help: serviceHelp, run: serviceCommand };
