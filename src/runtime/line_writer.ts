import type { Clock } from "../async/clock.ts";
import { utf8BytesPerUnit } from "../protocol/limits.ts";
import { waitOrGiveUp } from "./given_up.ts";
import { writeWhole } from "./write_whole.ts";

export interface LineWriter {
  /** Takes a line without its end; it is lost when more than can be held waits already. Never throws, never waits. */
  write(line: string): void;
  /** Whether the reader has gone: nothing is written any more. */
  readonly isClosed: boolean;
  /** Resolves when all is written, or cannot be, or has not been for a second. */
  close(): Promise<void>;
}

/** So many bytes may wait for a reader who does not read; a line that is longer goes alone. */
const maxWaiting = 1024 * 1024;
/** Characters that become bytes at once. */
const pieceChars = 16 * 1024;
const encoder = new TextEncoder();
const lastWordsMs = 1_000;
/** Between two writes: the lines of a flood go together. */
const gatherMs = 50;

/**
 * Writes lines to standard output or error without ever stopping the program for whoever does not read. `onLost` is told
 * how many lines were lost, of all, once there is room again: what it writes then stands where they would have.
 */
export function lineWriter(
  to: "stdout" | "stderr",
  clock: Clock,
  onLost: (lines: number) => void = () => {},
): LineWriter {
  // Bytes, not text, and in two buffers that stay: strings that wait, and buffers for once, are work for the garbage
  // collector. While one is written the other one fills.
  let filling = new Uint8Array(maxWaiting);
  let other = new Uint8Array(maxWaiting);
  let waiting = 0;
  let lines: string[] = [];
  let chars = 0;
  let lost = 0;
  let lostTold = 0;
  let isClosed = false;
  let writing: Promise<void> | undefined;
  let isHurried = false;
  let hurry = () => {};

  async function writeAll(): Promise<void> {
    try {
      await undefined; // what is written in the same turn goes together
      while (chars > 0 || waiting > 0) {
        encode();
        const bytes = filling.subarray(0, waiting);
        [filling, other] = [other, filling];
        waiting = 0;
        if (lost > lostTold) {
          lostTold = lost;
          onLost(lost);
        }
        await writeWhole(to, bytes, clock);
        await pause();
      }
    } catch {
      isClosed = true;
      lines = [];
      chars = 0;
    } finally {
      writing = undefined;
    }
  }

  /** What finds no room is lost: whole lines. */
  function encode(): void {
    if (chars === 0) return;
    const text = lines.join("\n") + "\n";
    const needed = text.length * utf8BytesPerUnit;
    if (waiting === 0 && needed > filling.byteLength) filling = new Uint8Array(needed);
    const { read, written } = encoder.encodeInto(text, filling.subarray(waiting));
    if (read === text.length) waiting += written;
    else lost += lines.length;
    lines = [];
    chars = 0;
  }

  /** Until more may be written, or all must. */
  function pause(): Promise<void> {
    return new Promise((resolve) => {
      const cancel = clock.after(gatherMs, resolve);
      hurry = () => {
        cancel();
        resolve();
      };
      if (isHurried) hurry();
    });
  }

  return {
    write(line) {
      if (isClosed) return;
      if (waiting + chars > maxWaiting) {
        lost++;
        return;
      }
      lines.push(line);
      chars += line.length + 1;
      if (chars >= pieceChars) encode();
      writing ??= writeAll();
    },
    get isClosed() {
      return isClosed;
    },
    async close() {
      isHurried = true;
      hurry();
      await waitOrGiveUp(lastWordsMs, writing, clock);
    },
  };
}
