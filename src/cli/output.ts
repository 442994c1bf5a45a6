import process from "node:process";
import { type Clock, systemClock } from "../async/clock.ts";
import type { Observe } from "../observe/events.ts";
import { foldRecords } from "../output/fold_records.ts";
import type { LiveActions, LiveSource } from "../output/live/live_picture.ts";
import { type LiveView, startLiveView } from "../output/live/live_view.ts";
import { painter } from "../output/live/paint.ts";
import { terminalOf } from "../output/live/terminal.ts";
import { recordAt, recordJson, type Told } from "../output/record.ts";
import { recordText } from "../output/record_text.ts";
import { lineWriter } from "../runtime/line_writer.ts";
import type { OutputMode } from "./output_mode.ts";

/** What a command says on standard output while it runs. */
export interface Output {
  readonly observe: Observe;
  /** What no event tells. */
  tell(told: Told): void;
  /** A line of the log, where the live view has the terminal. */
  say(line: string): void;
  /** Resolves when all is written. */
  close(): Promise<void>;
}

/** What the live view shows and does. */
export interface LiveParts {
  readonly source: LiveSource;
  readonly actions: LiveActions;
}

/** `live` is asked for only in that mode. */
export function openOutput(mode: OutputMode, clock: Clock, live: () => LiveParts): Output {
  if (mode === "quiet") {
    return { observe: () => {}, tell: () => {}, say: () => {}, close: () => Promise.resolve() };
  }
  if (mode === "live") return liveOutput(live());
  const lines = lineWriter("stdout", systemClock);
  const tell = (told: Told) => {
    const now = clock.now();
    lines.write(mode === "json" ? recordJson(now, told) : recordText(recordAt(now, told)));
  };
  return { observe: foldRecords(tell), tell, say: () => {}, close: lines.close };
}

function liveOutput({ source, actions }: LiveParts): Output {
  const view: LiveView = startLiveView({
    source,
    actions,
    terminal: terminalOf(process.stdout, process.stdin.isTTY ? process.stdin : undefined),
    paint: painter(!process.env["NO_COLOR"]),
    clock: systemClock,
  });
  // Whatever ends the process, the terminal is given back.
  const leave = () => view.close();
  process.once("exit", leave);
  let isClosed = false;
  return {
    observe: view.changed,
    tell: (told) => told.type === "sample" && view.say(`a signed ${told.event}: ${told.answer}`),
    say: view.say,
    close() {
      if (isClosed) return Promise.resolve();
      isClosed = true;
      process.off("exit", leave);
      view.close();
      const { delivered, failed, inFlight } = source.picture();
      const left = inFlight === 0 ? "" : `, ${inFlight} given back`;
      process.stdout.write(`${delivered} delivered, ${failed} failed${left}\n`);
      return Promise.resolve();
    },
  };
}
