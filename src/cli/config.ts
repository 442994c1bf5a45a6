import process from "node:process";
import { loadSettings } from "../config/load.ts";
import { type OptionKey, options } from "../config/options.ts";
import { configSchema } from "../config/schema.ts";
import type { RouteSettings, TargetSettings } from "../config/settings.ts";
import { exitCode } from "./exit_code.ts";
import { readLayers } from "./layers.ts";
import { UsageError } from "./usage_error.ts";

export const configHelp = `hookferry config: look at the settings without running anything.

  config check    is everything valid? all problems at once, exit 78 if not
  config show     every value and where it came from; secrets as ***
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
  const { settings, values } = loadSettings(readLayers(args));
  for (const { key } of options) {
    const found = values.origin(key as OptionKey);
    if (found) print(key, found.value, found.origin);
  }
  const { defaultRoute, routes } = settings;
  if (defaultRoute) showRoute("default_target", defaultRoute);
  for (const [id, route] of routes) showRoute(`targets.${id}`, route);
  return exitCode.ok;
}

function showRoute(path: string, { targets, ack }: RouteSettings): void {
  const [only, ...others] = targets;
  if (others.length === 0) return showTarget(path, only);
  print(`${path}.ack`, ack);
  for (const [i, target] of targets.entries()) showTarget(`${path}.to.${i}`, target);
}

function showTarget(path: string, target: TargetSettings): void {
  print(`${path}.url`, target.url.href);
  if (target.method !== undefined) print(`${path}.method`, target.method);
  // A header's value is often a credential.
  for (const [name] of target.headers) print(`${path}.headers.${name}`, "***");
  print(`${path}.timeout_seconds`, target.timeoutMs / 1000);
  print(`${path}.retry_max_attempts`, target.retry.maxAttempts);
  if (target.batch) {
    print(`${path}.batch.max_messages`, target.batch.maxMessages);
    print(`${path}.batch.max_wait_seconds`, target.batch.maxWaitMs / 1000);
    print(`${path}.batch.max_bytes`, target.batch.maxBytes);
    print(`${path}.batch.format`, target.batch.format);
  }
}

function print(key: string, value: unknown, origin?: string): void {
  const shown = JSON.stringify(value).replace(/^"\*\*\*"$/, "***");
  process.stdout.write(`${key} = ${shown}${origin === undefined ? "" : `  (${origin})`}\n`);
}
