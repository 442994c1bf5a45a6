import process from "node:process";
import { didYouMean } from "../config/near_name.ts";
import { visible } from "../output/visible.ts";
import { networkFailure } from "../runtime/network_failure.ts";
import { maxListed } from "../status/control.ts";
import { type AskControl, askRunning, contentOf, ControlError } from "./control_client.ts";
import {
  dropAnswer,
  idsAnswer,
  listAnswer,
  replayAnswer,
  showAnswer,
} from "./dead_letter_answers.ts";
import { exitCode } from "./exit_code.ts";
import type { Flags } from "./flags.ts";
import { type LayersToAsk, readLayersToAsk } from "./layers_to_ask.ts";
import { stoppedConnector } from "./stopped_connector.ts";
import { UsageError } from "./usage_error.ts";
import type { Command } from "./command.ts";

const deadLettersHelp =
  `hookferry dead-letters: webhooks that a target would not take, with the reason.

  dead-letters list [--limit N] [--json]   the newest first
  dead-letters show ID                     request, response, reason; JSON
  dead-letters replay ID… | --all          deliver again, exactly as before
  dead-letters drop ID… | --all            forget
  dead-letters export                      all of them, one JSON object a line

  Asks the running connector; where none runs, opens its journal. Settings are
  those of connect.
  Exit codes: 0 done, 1 something was not, 2 usage, 78 bad configuration.

  hookferry dead-letters list
  hookferry dead-letters replay --all
`;

/** A target's own attempts and waits are in it. */
const replayMs = 3_600_000;

interface Action {
  /** What it takes beside the settings; anything else is a slip, not something to pass over. */
  readonly flags: Readonly<Record<string, "string" | "boolean">>;
  readonly maxWords: number;
  /** It needs the targets; the others need the journal alone. */
  readonly replays?: true;
  /** What is to be done. Throws `UsageError`. */
  read(flags: Flags): (ask: AskControl) => Promise<number>;
}

const actions: Readonly<Record<string, Action>> = {
  list: {
    flags: { limit: "string", json: "boolean" },
    maxWords: 0,
    read(flags) {
      const limit = limitOf(flags.text("limit") ?? "100");
      return (ask) => list(ask, limit, flags.isOn("json") ?? false);
    },
  },
  show: {
    flags: {},
    maxWords: 1,
    read({ positionals: [id] }) {
      if (id === undefined) throw new UsageError("dead-letters show: name one message id");
      return (ask) => show(ask, id);
    },
  },
  replay: { ...eachWith(replay), replays: true },
  drop: eachWith(drop),
  export: { flags: {}, maxWords: 0, read: () => exportAll },
};

/** Resolves with the exit code. Rejects with a `ControlError`. */
async function deadLettersCommand([name = "", ...args]: readonly string[]) {
  const action = Object.hasOwn(actions, name) ? actions[name] : undefined;
  if (!action) {
    throw new UsageError(
      `dead-letters ${JSON.stringify(name)}: use list, show, replay, drop or export` +
        didYouMean(name, Object.keys(actions)),
    );
  }
  const { maxWords } = action;
  const read = await readLayersToAsk(args, action.flags, { acts: true, maxWords });
  const act = action.read(read.flags);
  const { ask, close } = await connectorOf(read, action.replays ?? false);
  try {
    return await act(ask);
  } finally {
    await close();
  }
}

/** The connector that runs with these settings, or its journal where none runs. */
async function connectorOf(
  { layers, unread }: LayersToAsk,
  replays: boolean,
): Promise<{ readonly ask: AskControl; close(): Promise<void> }> {
  try {
    const ask = await askRunning(layers);
    await contentOf(await ask("GET", "/dead-letters?limit=1"), listAnswer);
    return { ask, close: () => Promise.resolve() };
  } catch (error) {
    if (!(error instanceof ControlError) || error.unasked === undefined) throw error;
    if (unread) throw unread;
    return stoppedConnector(layers, { unasked: error.unasked, replays });
  }
}

function limitOf(text: string): number {
  const limit = Number(text);
  if (/^\d+$/.test(text) && limit >= 1 && limit <= maxListed) return limit;
  throw new UsageError(
    `dead-letters list --limit ${JSON.stringify(text)}: use a whole number from 1 to ${maxListed}`,
  );
}

async function list(ask: AskControl, limit: number, asJson: boolean): Promise<number> {
  const response = await ask("GET", `/dead-letters?limit=${limit}`);
  const { dead_letters: letters } = await contentOf(response, listAnswer);
  for (const letter of letters) {
    const { at, message_id, webhook_id, target, attempts, reason, bytes } = letter;
    if (asJson) {
      printJson(JSON.stringify(letter));
      continue;
    }
    print(
      `${at}  ${message_id}  ${webhook_id} -> ${target || "(none)"}  ${bytes} bytes  ` +
        `${attempts} ${attempts === 1 ? "attempt" : "attempts"}  ${reason.message}`,
    );
  }
  if (letters.length === 0) note("no dead letters");
  return exitCode.ok;
}

async function idsOfAll(ask: AskControl): Promise<readonly string[]> {
  return (await contentOf(await ask("GET", "/dead-letter-ids"), idsAnswer)).message_ids;
}

async function show(ask: AskControl, id: string): Promise<number> {
  const response = await ask("GET", `/dead-letters/${encodeURIComponent(id)}`);
  const { dead_letters } = await contentOf(response, showAnswer);
  printJson(JSON.stringify(dead_letters, null, 2));
  return exitCode.ok;
}

/** Says what was done; false when it was not what was asked for. */
type Act = (ask: AskControl, id: string) => Promise<boolean>;

async function replay(ask: AskControl, id: string): Promise<boolean> {
  const path = `/dead-letters/${encodeURIComponent(id)}/replay`;
  const response = await ask("POST", path, { timeoutMs: replayMs });
  const { results } = await contentOf(response, replayAnswer);
  for (const { target, outcome, reason } of results) {
    print(`${id}  ${target}  ${outcome}${reason === undefined ? "" : `: ${reason}`}`);
  }
  return results.every(({ outcome }) => outcome === "delivered");
}

async function drop(ask: AskControl, id: string): Promise<boolean> {
  await contentOf(await ask("DELETE", `/dead-letters/${encodeURIComponent(id)}`), dropAnswer);
  print(`${id}  dropped`);
  return true;
}

function eachWith(act: Act): Action {
  return { flags: { all: "boolean" }, maxWords: Infinity, read: (flags) => each(flags, act) };
}

/** The oldest first. One that fails does not keep the others from being tried. */
function each(flags: Flags, act: Act): (ask: AskControl) => Promise<number> {
  const ids = flags.positionals;
  const all = flags.isOn("all") ?? false;
  if (all === ids.length > 0) throw new UsageError("dead-letters: name message ids, or say --all");
  return async (ask) => {
    const named = all ? await idsOfAll(ask) : ids;
    if (named.length === 0) note("no dead letters");
    let isDone = true;
    for (const [i, id] of [...new Set(named)].entries()) {
      if (process.stderr.isTTY && named.length > 1) note(`${i + 1}/${named.length}`);
      try {
        isDone = await act(ask, id) && isDone;
      } catch (error) {
        if (!(error instanceof ControlError)) throw error;
        note(`${id}: ${error.message}`);
        isDone = false;
      }
    }
    return isDone ? exitCode.ok : exitCode.unexpected;
  };
}

/** One that cannot be read does not keep the others from being exported. */
async function exportAll(ask: AskControl): Promise<number> {
  const { body } = await ask("GET", "/dead-letters/export", { untilHead: true });
  let isDone = true;
  try {
    for await (const line of linesOf(body ?? [])) {
      if (line.startsWith(`{"detail":`)) {
        const { message_id, detail } = JSON.parse(line) as { message_id: string; detail: string };
        note(`${message_id}: ${detail}`);
        isDone = false;
      } else if (!process.stdout.write(`${line}\n`)) {
        await new Promise<void>((resolve) =>
          process.stdout.once("drain", () => resolve()).once("error", () => resolve())
        );
        if (process.stdout.errored) break; // whoever read it has seen enough
      }
    }
  } catch (error) {
    throw new ControlError(`the export broke off: ${networkFailure(error).message}`);
  }
  return isDone ? exitCode.ok : exitCode.unexpected;
}

async function* linesOf(body: AsyncIterable<Uint8Array> | Iterable<Uint8Array>) {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of body) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = lines.pop() ?? "";
    yield* lines;
  }
  if (rest !== "") yield rest;
}

function print(line: string): void {
  process.stdout.write(`${visible(line)}\n`);
}

function printJson(text: string): void {
  process.stdout.write(`${text}\n`);
}

function note(line: string): void {
  process.stderr.write(`${visible(line)}\n`);
}

export const deadLetters: Command = { help: deadLettersHelp, run: deadLettersCommand };
