import process from "node:process";
import { systemClock } from "../async/clock.ts";
import { ConfigError, type Loaded, loadSettings } from "../config/load.ts";
import { options } from "../config/options.ts";
import { createConnector } from "../connector.ts";
import { StreamFailure } from "../flow.ts";
import { createLog } from "../observe/log.ts";
import { exitCode } from "./exit_code.ts";
import { readLayers, UsageError } from "./layers.ts";

/** Runs the connector until SIGINT or SIGTERM; a second signal stops at once. Resolves with the exit code. */
export async function connectCommand(args: readonly string[]): Promise<number> {
  const loaded = load(args);
  if (typeof loaded === "number") return loaded;
  const { settings } = loaded;
  const log = createLog({
    level: settings.log.level,
    write: (line) => void process.stderr.write(`${line}\n`),
  });
  const drain = new AbortController();
  const abort = new AbortController();
  const onSignal = () => {
    if (drain.signal.aborted) process.exit(exitCode.unsettled);
    drain.abort();
  };
  process.on("SIGINT", onSignal).on("SIGTERM", onSignal);
  try {
    const connector = createConnector(settings, {
      clock: systemClock,
      random: Math.random,
      observe: log.observe,
    });
    const { abandoned } = await connector.run({ drain: drain.signal, abort: abort.signal });
    return abandoned === 0 ? exitCode.ok : exitCode.unsettled;
  } catch (error) {
    if (!(error instanceof StreamFailure)) throw error;
    process.stderr.write(`hookferry connect: ${error.message}\n`);
    return exitCode.tokenRejected;
  } finally {
    process.off("SIGINT", onSignal).off("SIGTERM", onSignal);
    log.close();
  }
}

/** `config check` and `config show`. Resolves with the exit code. */
export function configCommand([action = "", ...args]: readonly string[]): number {
  if (action !== "check" && action !== "show") {
    process.stderr.write(
      `hookferry config: unknown action ${JSON.stringify(action)}; use check or show\n`,
    );
    return exitCode.usage;
  }
  const loaded = load(args);
  if (typeof loaded === "number") return loaded;
  if (action === "check") {
    process.stdout.write("the configuration is valid\n");
    return exitCode.ok;
  }
  for (const { key, kind } of options) {
    const found = loaded.origins.get(key);
    if (!found) continue;
    const shown = kind.type === "secret" ? "***" : JSON.stringify(found.value);
    process.stdout.write(`${key} = ${shown}  (${found.origin})\n`);
  }
  return exitCode.ok;
}

/** The settings, or the exit code when there are none; what is wrong was then said. */
function load(args: readonly string[]): Loaded | number {
  try {
    return loadSettings(readLayers(args));
  } catch (error) {
    if (!(error instanceof ConfigError) && !(error instanceof UsageError)) throw error;
    process.stderr.write(`hookferry: ${error.message}\n`);
    return error instanceof UsageError ? exitCode.usage : exitCode.badConfig;
  }
}
