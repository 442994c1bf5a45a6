import { write } from "node:fs";
import type { Clock } from "../async/clock.ts";
import { within } from "../async/within.ts";
import { giveUp } from "./given_up.ts";

export interface LineWriter {
  /** Takes a line without its end; drops it when more than can be held waits already. Never throws, never waits. */
  write(line: string): void;
  /** Whether the reader has gone: nothing is written any more. */
  readonly isClosed: boolean;
  /** Resolves when all is written, or cannot be, or has not been for a second. */
  close(): Promise<void>;
}

/** Bytes that may wait for a reader who does not read. */
const maxWaiting = 1024 * 1024;
const chunkBytes = 64 * 1024;
const lineEnd = 0x0a;
const encoder = new TextEncoder();
const lastWordsMs = 1_000;
const againMs = 10;
/** Between two writes: the lines of a flood go together. */
const gatherMs = 50;

type Stream = { write(bytes: Uint8Array): Promise<number> };
const deno = (globalThis as { Deno?: { stdout: Stream; stderr: Stream } }).Deno;

/**
 * Writes lines to standard output or error without ever stopping the program: the streams of `node:process` wait on
 * Deno for whoever does not read, and `node:fs` does too, so that its own stream is used there.
 */
export function lineWriter(to: "stdout" | "stderr", clock: Clock): LineWriter {
  // Bytes, not text: hundreds of strings that wait for the next write are work for the garbage collector.
  let waiting = new Uint8Array(chunkBytes);
  let length = 0;
  let isClosed = false;
  let writing: Promise<void> | undefined;
  let isHurried = false;
  let hurry = () => {};

  async function writeAll(): Promise<void> {
    try {
      await undefined; // what is written in the same turn goes together
      while (length > 0) {
        const bytes = waiting.subarray(0, length);
        waiting = new Uint8Array(chunkBytes);
        length = 0;
        await writeWhole(bytes);
        await pause();
      }
    } catch {
      isClosed = true;
      length = 0;
    } finally {
      writing = undefined;
    }
  }

  async function writeWhole(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.byteLength;) {
      try {
        at += await writeSome(to, bytes.subarray(at));
      } catch (error) {
        if (!isAgain(error)) throw error;
        await new Promise<void>((resolve) => clock.after(againMs, resolve));
      }
    }
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
      if (isClosed || length > maxWaiting) return;
      // A character is three bytes at most (WHATWG Encoding, encodeInto).
      const most = length + 3 * line.length + 1;
      if (most > waiting.length) {
        const larger = new Uint8Array(Math.max(most, 2 * waiting.length));
        larger.set(waiting.subarray(0, length));
        waiting = larger;
      }
      length += encoder.encodeInto(line, waiting.subarray(length)).written;
      waiting[length++] = lineEnd;
      writing ??= writeAll();
    },
    get isClosed() {
      return isClosed;
    },
    async close() {
      isHurried = true;
      hurry();
      if (await within(lastWordsMs, writing, "late", clock) === "late") giveUp();
    },
  };
}

function writeSome(to: "stdout" | "stderr", bytes: Uint8Array): Promise<number> {
  if (deno) return deno[to].write(bytes);
  return new Promise((resolve, reject) =>
    write(to === "stdout" ? 1 : 2, bytes, (error, count) => error ? reject(error) : resolve(count))
  );
}

/** A pipe that whoever made it has set not to wait. */
function isAgain(error: unknown): boolean {
  return error instanceof Error &&
    (error.name === "WouldBlock" || ("code" in error && error.code === "EAGAIN"));
}
