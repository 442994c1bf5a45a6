import { emitKeypressEvents, type Key as ReadlineKey } from "node:readline";
import process from "node:process";
import type { Clock } from "../../async/clock.ts";
import type { ReadStream, WriteStream } from "node:tty";
import type { Size } from "./list.ts";
import type { Key } from "./ui.ts";

/** The screen and the keys of a terminal. */
export interface Terminal {
  readonly size: Size;
  /** False where standard input is something else. */
  readonly hasKeys: boolean;
  /** Takes the screen, keeping what was on it; `onGone` is called when the terminal is closed. */
  open(onKey: (key: Key) => void, onResize: () => void, onGone: () => void): void;
  /**
   * Draws the lines: as many as it has rows, each as wide as it is or less. While it does not take what was drawn before
   * the last ones wait, and nobody else does.
   */
  show(lines: readonly string[]): void;
  /** Gives back screen and keys as they were; resolves when it has taken that. */
  close(): Promise<void>;
  /** The same for the last moment of the process, if it takes what is drawn. */
  closeNow(): void;
}

// ECMA-48 and the private modes of xterm, which every terminal of today has.
// Another screen, no cursor, no wrapping.
const enter = "\x1b[?1049h\x1b[?25l\x1b[?7l";
const leave = "\x1b[?7h\x1b[?25h\x1b[?1049l";
const clearLine = "\x1b[K";
const home = "\x1b[H\x1b[2J";
const lineAt = (row: number) => `\x1b[${row + 1};1H`;

/** A terminal that has not taken what is drawn by then takes nothing. */
const hungMs = 500;

/**
 * `keys` is undefined when standard input is something else: then it only shows. `write` resolves when the terminal has
 * taken the text, which may take for ever.
 */
export function terminalOf(
  screen: WriteStream,
  keys: ReadStream | undefined,
  write: (text: string) => Promise<void>,
  clock: Clock,
): Terminal {
  let drawn: readonly string[] = [];
  let next: readonly string[] | undefined;
  let mustClear = false;
  let writing: Promise<void> | undefined;
  let writingSince = 0;
  let isGone = false;
  let gone = () => {};
  let release = () => {};

  function put(text: string): void {
    writingSince = clock.monotonic();
    writing = write(text).then(() => {
      writing = undefined;
      const lines = next;
      next = undefined;
      if (lines) show(lines);
    }).catch(() => gone());
  }

  function show(lines: readonly string[]): void {
    if (isGone) return;
    if (writing) return void (next = lines);
    const changes = lines.flatMap((line, row) =>
      line === drawn[row] ? [] : [lineAt(row) + clearLine + line]
    );
    if (changes.length > 0) put((mustClear ? home : "") + changes.join(""));
    mustClear = false;
    drawn = lines;
  }

  return {
    hasKeys: keys !== undefined,
    get size() {
      return { columns: screen.columns || 80, rows: screen.rows || 24 };
    },
    open(onKey, onResize, onGone) {
      const pressed = (text: string | undefined, key: ReadlineKey) =>
        onKey({ name: key.name, text, ctrl: key.ctrl ?? false });
      const resized = () => {
        drawn = [];
        mustClear = true;
        onResize();
      };
      gone = () => {
        if (isGone) return;
        isGone = true;
        onGone();
      };
      screen.on("error", gone).on("resize", resized);
      process.on("SIGHUP", gone);
      put(enter + home);
      if (keys) {
        emitKeypressEvents(keys);
        keys.setRawMode(true);
        keys.on("keypress", pressed).on("end", gone).on("error", gone).resume();
      }
      release = () => {
        release = () => {};
        next = undefined;
        process.off("SIGHUP", gone);
        screen.off("resize", resized);
        if (!keys) return;
        keys.off("keypress", pressed).off("end", gone).pause();
        keys.unref();
      };
    },
    show,
    async close() {
      release();
      await writing;
      // Whether or not the terminal has gone: SIGHUP comes from whoever sends it, too.
      await write(leave).catch(() => {});
      asBefore(keys);
    },
    closeNow() {
      release();
      if (writing && clock.monotonic() - writingSince > hungMs) return;
      screen.write(leave);
      asBefore(keys);
    },
  };
}

/** Not while something is written: it waits for that, and the program with it. */
function asBefore(keys: ReadStream | undefined): void {
  try {
    keys?.setRawMode(false);
  } catch {
    // It has gone.
  }
}
