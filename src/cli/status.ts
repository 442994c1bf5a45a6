import process from "node:process";
import { systemClock } from "../async/clock.ts";
import { delay } from "../async/delay.ts";
import { visible } from "../output/visible.ts";
import { lineWriter } from "../runtime/line_writer.ts";
import {
  type Answerer,
  answererAt,
  ControlError,
  statusAddress,
  warnOfOther,
} from "./control_client.ts";
import { exitCode } from "./exit_code.ts";
import { readLayersToAsk } from "./layers_to_ask.ts";
import { lifetimeFromSignals } from "./lifetime.ts";
import { statusText } from "./status_text.ts";
import type { Command } from "./command.ts";

const statusHelp = `hookferry status: what a running connector is doing.

  --json                      all it knows, as one line of JSON
  --watch                     every second: redrawn on a terminal, else one
                              line of JSON each, until it is stopped
  --status-listen HOST:PORT   where it listens (default: as configured)

  Exit codes: 0 it answered, 1 not, 2 usage, 78 bad configuration.

  hookferry status
`;

const everyMs = 1_000;
/** Home, and clear from there on. */
const redraw = "\x1b[H\x1b[J";

/** Resolves with the exit code. Rejects with a `ControlError` when there is no answer. */
async function statusCommand(args: readonly string[]): Promise<number> {
  const { layers, flags } = await readLayersToAsk(args, { json: "boolean", watch: "boolean" }, {
    acts: false,
  });
  const { origin } = statusAddress(layers);
  const asJson = flags.isOn("json") ?? false;
  if (!flags.isOn("watch")) {
    const { status, other } = await answererAt(origin, layers);
    warnOfOther(other);
    process.stdout.write(shown(status, asJson));
    return exitCode.ok;
  }
  const isTerminal = process.stdout.isTTY && !asJson;
  const lines = lineWriter("stdout", systemClock);
  const { life, dispose } = lifetimeFromSignals();
  let warnedOf: string | undefined;
  try {
    while (!life.drain.aborted && !lines.isClosed) {
      const text = await answererAt(origin, layers).then(saidBy, saying);
      lines.write((isTerminal ? redraw + text : text).trimEnd());
      await delay(everyMs, { signal: life.drain, clock: systemClock }).catch(() => {});
    }
  } finally {
    dispose();
    await lines.close();
  }
  return exitCode.ok;

  function saidBy({ status, other }: Answerer): string {
    if (isTerminal) return (other ? `${visible(other)}\n` : "") + shown(status, false);
    if (other !== warnedOf) warnOfOther(other);
    warnedOf = other;
    return shown(status, true);
  }

  /** A connector that is away for a moment is worth waiting for. */
  function saying(error: unknown): string {
    if (!(error instanceof ControlError)) throw error;
    return isTerminal
      ? `${visible(error.message)}\n`
      : `${JSON.stringify({ error: error.message })}\n`;
  }
}

function shown(status: unknown, asJson: boolean): string {
  const { connections } = Object(status) as { connections?: Record<string, unknown> };
  const text = asJson
    ? undefined
    : connections
    ? Object.entries(connections).map(([name, one]) => `${name}\n${shown(one, false)}`).join("\n")
    : statusText(status);
  return text ?? `${JSON.stringify(status)}\n`;
}

export const status: Command = { help: statusHelp, run: statusCommand };
