import process from "node:process";
import { z } from "zod";
import { askRunning, contentOf } from "./control_client.ts";
import { parseDuration } from "./duration.ts";
import { exitCode } from "./exit_code.ts";
import { readLayersToAsk } from "./layers_to_ask.ts";
import { UsageError } from "./usage_error.ts";
import type { Command } from "./command.ts";

const pauseHelp = `hookferry pause: a running connector takes nothing new for a while.

  --for TIME                  90s, 10m, 1h; without it until hookferry resume
  --status-listen HOST:PORT   where it listens (default: as configured)

  What is in hand is finished; what comes meanwhile waits at the relay. Not
  ready (/readyz) while it lasts.
  Exit codes: 0 paused, 1 not, 2 usage, 78 bad configuration.

  hookferry pause --for 10m
`;

const resumeHelp = `hookferry resume: a paused connector takes webhooks again.

  --status-listen HOST:PORT   where it listens (default: as configured)

  Exit codes: 0 resumed, 1 not, 2 usage, 78 bad configuration.

  hookferry resume
`;

/** Resolves with the exit code. Rejects with a `ControlError`. */
async function pauseCommand(args: readonly string[]): Promise<number> {
  const { layers, flags } = await readLayersToAsk(args, { for: "string" }, { acts: true });
  const value = flags.text("for");
  const ms = value === undefined ? undefined : parseDuration(value);
  if (value !== undefined && ms === undefined) {
    throw new UsageError(`--for ${JSON.stringify(value)}: use a time like 90s, 10m or 1h`);
  }
  const ask = await askRunning(layers);
  const forTime = ms === undefined ? "" : `?for_seconds=${ms / 1000}`;
  await contentOf(await ask("POST", `/pause${forTime}`), z.object({ paused: z.literal(true) }));
  process.stdout.write(`paused${value === undefined ? "" : ` for ${value}`}\n`);
  return exitCode.ok;
}

/** Resolves with the exit code. Rejects with a `ControlError`. */
async function resumeCommand(args: readonly string[]): Promise<number> {
  const { layers } = await readLayersToAsk(args, {}, { acts: true });
  const ask = await askRunning(layers);
  await contentOf(await ask("POST", "/resume"), z.object({ paused: z.literal(false) }));
  process.stdout.write("resumed\n");
  return exitCode.ok;
}

export const pause: Command = { help: pauseHelp, run: pauseCommand };
export const resume: Command = { help: resumeHelp, run: resumeCommand };
