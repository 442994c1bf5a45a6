import { write } from "node:fs";
import type { Clock } from "../async/clock.ts";

const againMs = 10;

type Stream = { write(bytes: Uint8Array): Promise<number> };
const deno = (globalThis as { Deno?: { stdout: Stream; stderr: Stream } }).Deno;

/**
 * Writes all of it to standard output or error. Waits for whoever does not read, while the program goes on: the streams
 * of `node:process` stop it on Deno, on a terminal everywhere, and `node:fs` does on Deno, so that its own stream is
 * used there. Rejects when nobody can read it any more.
 */
export async function writeWhole(
  to: "stdout" | "stderr",
  bytes: Uint8Array,
  clock: Clock,
): Promise<void> {
  for (let at = 0; at < bytes.byteLength;) {
    try {
      at += await writeSome(to, bytes.subarray(at));
    } catch (error) {
      if (!isAgain(error)) throw error;
      await new Promise<void>((resolve) => clock.after(againMs, resolve));
    }
  }
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
