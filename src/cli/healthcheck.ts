import process from "node:process";
import { networkFailure } from "../runtime/network_failure.ts";
import { ask } from "./ask.ts";
import { assertMeant, statusAddress } from "./control_client.ts";
import { exitCode } from "./exit_code.ts";
import { readLayersToAsk } from "./layers_to_ask.ts";
import { UsageError } from "./usage_error.ts";
import type { Command } from "./command.ts";

const healthcheckHelp = `hookferry healthcheck: ask a running connector how it is; for containers.

  --ready                     whether it can deliver (/readyz); the default
  --live                      only whether it is alive (/livez)
  --status-listen HOST:PORT   where it listens (default: as configured)

  Exit codes: 0 well, 1 not, 2 usage, 78 bad configuration.

  hookferry healthcheck && echo well
`;

const timeoutMs = 5_000;

/** Resolves with the exit code; prints what the connector answered. */
async function healthcheckCommand(args: readonly string[]): Promise<number> {
  const { layers, flags } = await readLayersToAsk(args, { live: "boolean", ready: "boolean" }, {
    acts: false,
  });
  const isLive = flags.isOn("live") ?? false;
  if (isLive && flags.isOn("ready")) throw new UsageError("--live or --ready, not both");
  const { origin } = statusAddress(layers);
  await assertMeant(origin, layers);
  const url = `${origin}/${isLive ? "livez" : "readyz"}`;
  try {
    const response = await ask(url, { timeoutMs });
    process.stdout.write(`${(await response.text()).trim()}\n`);
    return response.ok ? exitCode.ok : exitCode.unexpected;
  } catch (error) {
    const why = networkFailure(error).message;
    process.stderr.write(`hookferry healthcheck: no answer from ${url}: ${why}\n`);
    return exitCode.unexpected;
  }
}

export const healthcheck: Command = { help: healthcheckHelp, run: healthcheckCommand };
