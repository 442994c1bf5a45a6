import { emitKeypressEvents, type Key as ReadlineKey } from "node:readline";
import process from "node:process";
import type { ReadStream, WriteStream } from "node:tty";
import type { Size } from "./list.ts";
import type { Key } from "./ui.ts";

/** The screen and the keys of a terminal. */
export interface Terminal {
  readonly size: Size;
  /** Takes the screen, keeping what was on it; `onGone` is called when the terminal is closed. */
  open(onKey: (key: Key) => void, onResize: () => void, onGone: () => void): void;
  /** Draws the lines: as many as it has rows, each as wide as it is or less. */
  show(lines: readonly string[]): void;
  /** Gives back screen and keys as they were. */
  close(): void;
}

// ECMA-48 and the private modes of xterm, which every terminal of today has.
// Another screen, no cursor, no wrapping.
const enter = "\x1b[?1049h\x1b[?25l\x1b[?7l";
const leave = "\x1b[?7h\x1b[?25h\x1b[?1049l";
const clearLine = "\x1b[K";
const home = "\x1b[H\x1b[2J";
const lineAt = (row: number) => `\x1b[${row + 1};1H`;

/** `keys` is undefined when standard input is something else: then it only shows. */
export function terminalOf(screen: WriteStream, keys: ReadStream | undefined): Terminal {
  let drawn: readonly string[] = [];
  let close = () => {};
  return {
    get size() {
      return { columns: screen.columns || 80, rows: screen.rows || 24 };
    },
    open(onKey, onResize, onGone) {
      const pressed = (text: string | undefined, key: ReadlineKey) =>
        onKey({ name: key.name, text, ctrl: key.ctrl ?? false });
      const resized = () => {
        drawn = [];
        screen.write(home);
        onResize();
      };
      let isGone = false;
      const gone = () => {
        if (isGone) return;
        isGone = true;
        onGone();
      };
      screen.on("error", gone).on("resize", resized);
      process.on("SIGHUP", gone);
      screen.write(enter + home);
      if (keys) {
        emitKeypressEvents(keys);
        keys.setRawMode(true);
        keys.on("keypress", pressed).on("end", gone).on("error", gone).resume();
      }
      close = () => {
        process.off("SIGHUP", gone);
        screen.off("resize", resized);
        // Whether or not the terminal has gone: SIGHUP comes from whoever sends it, too.
        screen.write(leave);
        if (!keys) return;
        keys.off("keypress", pressed).off("end", gone).pause();
        asBefore(keys);
        keys.unref();
      };
    },
    show(lines) {
      const changes = lines.flatMap((line, row) =>
        line === drawn[row] ? [] : [lineAt(row) + clearLine + line]
      );
      if (changes.length > 0) screen.write(changes.join(""));
      drawn = lines;
    },
    close: () => close(),
  };
}

function asBefore(keys: ReadStream): void {
  try {
    keys.setRawMode(false);
  } catch {
    // It has gone.
  }
}
