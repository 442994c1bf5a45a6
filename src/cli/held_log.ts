import process from "node:process";
import type { LogLevel } from "../config/settings.ts";
import type { LineWriter } from "../runtime/line_writer.ts";

/** A log whose terminal shows something else now. */
export interface HeldLog {
  readonly write: (line: string) => void;
  /** The least level that is held, where the log has that of `configured`. */
  levelFor(configured: LogLevel): LogLevel;
  /** Writes what was held. */
  close(): void;
}

const maxHeld = 20;

/** Holds the last lines for `lines` until the terminal is free again; `say` is told each when it comes. */
export function heldLog(lines: LineWriter, say: (line: string) => void): HeldLog {
  const held: string[] = [];
  return {
    levelFor: (configured) => configured === "error" ? configured : "warning",
    write(line) {
      if (held.length === maxHeld) held.shift();
      held.push(line);
      say(line);
    },
    close: () => held.splice(0).forEach(lines.write),
  };
}

/** Whether the log goes to the same terminal as standard output. */
export function isLogOnTerminal(): boolean {
  return process.stderr.isTTY === true;
}
