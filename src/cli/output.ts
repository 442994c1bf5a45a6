import { type Clock, systemClock } from "../async/clock.ts";
import type { Observe } from "../observe/events.ts";
import { foldRecords } from "../output/fold_records.ts";
import type { LiveActions, LiveSource } from "../output/live/live_picture.ts";
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

/** `live` is asked for only in that mode, and the live view loaded only then. */
export async function openOutput(
  mode: OutputMode,
  clock: Clock,
  live: () => LiveParts,
): Promise<Output> {
  if (mode === "quiet") {
    return { observe: () => {}, tell: () => {}, say: () => {}, close: () => Promise.resolve() };
  }
  if (mode === "live") {
    const { liveOutput }: typeof import("./live_output.ts") = await import(
      "./live_output.ts" as string
    );
    return liveOutput(live());
  }
  const lines = lineWriter("stdout", systemClock);
  const tell = (told: Told) => {
    const now = clock.now();
    lines.write(mode === "json" ? recordJson(now, told) : recordText(recordAt(now, told)));
  };
  return { observe: foldRecords(tell), tell, say: () => {}, close: lines.close };
}
