/** The live view as the output of a command. */
import process from "node:process";
import { systemClock } from "../async/clock.ts";
import { type LiveView, startLiveView } from "../output/live/live_view.ts";
import { painter } from "../output/live/paint.ts";
import { terminalOf } from "../output/live/terminal.ts";
import { waitOrGiveUp } from "../runtime/given_up.ts";
import { writeWhole } from "../runtime/write_whole.ts";
import type { LiveParts, Output } from "./output.ts";

/** A terminal that has not taken the last words by then does not get them. */
const lastWordsMs = 1_000;
const encoder = new TextEncoder();

export function liveOutput({ source, actions }: LiveParts): Output {
  const write = (text: string) => writeWhole("stdout", encoder.encode(text), systemClock);
  const keys = process.stdin.isTTY ? process.stdin : undefined;
  const terminal = terminalOf(process.stdout, keys, write, systemClock);
  const view: LiveView = startLiveView({
    source,
    actions,
    terminal,
    paint: painter(!process.env["NO_COLOR"]),
    clock: systemClock,
  });
  // Whatever ends the process, the terminal is given back.
  process.once("exit", terminal.closeNow);
  let isClosed = false;
  let givenBack = 0;
  return {
    observe(event) {
      if (event.type === "connector.stopped") givenBack = event.unsettled;
      view.changed();
    },
    tell: (told) => told.type === "sample" && view.say(`a signed ${told.event}: ${told.answer}`),
    say: view.say,
    async close() {
      if (isClosed) return;
      isClosed = true;
      process.off("exit", terminal.closeNow);
      await waitOrGiveUp(lastWordsMs, lastWords(), systemClock);
    },
  };

  async function lastWords(): Promise<void> {
    const { delivered, failed } = source.picture();
    await view.close();
    const left = givenBack === 0 ? "" : `, ${givenBack} given back`;
    await write(`${delivered} delivered, ${failed} failed${left}\n`).catch(() => {});
  }
}
