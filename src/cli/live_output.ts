/** The live view as the output of a command. */
import process from "node:process";
import { systemClock } from "../async/clock.ts";
import { type LiveView, startLiveView } from "../output/live/live_view.ts";
import { painter } from "../output/live/paint.ts";
import { terminalOf } from "../output/live/terminal.ts";
import type { LiveParts, Output } from "./output.ts";

export function liveOutput({ source, actions }: LiveParts): Output {
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
