/** The real program in a process of its own, on the runtime that runs the test. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { createInterface } from "node:readline";
import { startFlags } from "../../scripts/start_flags.ts";
import type { TestContext } from "./cleanup.ts";

const main = join(import.meta.dirname ?? ".", "..", "..", "main.ts");
const isDeno = "Deno" in globalThis;

/** The words that start the program with these arguments: from source, or the built file HOOKFERRY_BIN. */
export function programCommand(args: readonly string[]): string[] {
  const built = process.env["HOOKFERRY_BIN"];
  if (built) return [built, ...args];
  const run = isDeno ? ["run", ...startFlags] : [];
  return [process.execPath, ...run, main, ...args];
}

/** What it finds around it: the home is where Deno keeps its cache; no configuration of whoever runs the test. */
export function programEnv(state: string): Record<string, string> {
  return {
    PATH: process.env["PATH"] ?? "",
    HOME: process.env["HOME"] ?? "",
    XDG_CONFIG_HOME: "/nonexistent",
    XDG_STATE_HOME: state,
  };
}

export interface Program {
  readonly pid: number;
  /** Sends SIGTERM. */
  terminate(): void;
  /** Sends SIGHUP. */
  hangUp(): void;
  /** Sends SIGKILL: no goodbye, nothing flushed. */
  kill(): void;
  /** Nobody reads its log any more: what it writes there fails. */
  closeStderr(): void;
  /** Nobody reads its output any more: what it writes there fails. */
  closeStdout(): void;
  /** Its output is read no further: what it writes there waits. */
  stopReading(): void;
  /** Its log is read no further, until `readLogOn`. */
  stopReadingLog(): void;
  readLogOn(): void;
  readonly stdout: string[];
  readonly stderr: string[];
  /** Resolves with the first (or n-th) line of either stream that matches, past or future. */
  line(pattern: RegExp, n?: number): Promise<string>;
  /** Resolves with the exit code when the process is gone, whatever it wrote. */
  readonly exited: Promise<number | null>;
  /** Resolves with the exit code when the process is gone and all it wrote has been read. */
  readonly ended: Promise<number | null>;
}

export function startProgram(
  t: TestContext,
  args: string[],
  env: Record<string, string> = {},
  stdin = "",
): Program {
  const state = mkdtempSync(join(tmpdir(), "state-"));
  const [command = "", ...words] = programCommand(args);
  const child = spawn(command, words, {
    env: { ...programEnv(state), ...env },
    stdio: ["pipe", "pipe", "pipe"],
  });
  child.stdin.on("error", () => {}); // it may be gone before it has read
  child.stdin.end(stdin);
  const exited = once(child, "exit").then(([code]) => code as number | null);
  const ended = once(child, "close").then(([code]) => code as number | null);
  const lines: string[] = [];
  const waiters: { matching: () => string | undefined; resolve: (line: string) => void }[] = [];
  const collect = (stream: NodeJS.ReadableStream, into: string[]) => {
    createInterface({ input: stream }).on("line", (line) => {
      into.push(line);
      lines.push(line);
      for (const { matching, resolve } of waiters) {
        const found = matching();
        if (found !== undefined) resolve(found);
      }
    });
  };
  const stdout: string[] = [];
  const stderr: string[] = [];
  collect(child.stdout, stdout);
  collect(child.stderr, stderr);
  t.defer(async () => {
    child.kill("SIGKILL");
    await ended;
    rmSync(state, { recursive: true });
  });
  const pid = child.pid ?? 0;
  return {
    pid,
    // Not child.kill: on Deno a child that was sent a signal that way has no exit code afterwards.
    terminate: () => void process.kill(pid, "SIGTERM"),
    hangUp: () => void process.kill(pid, "SIGHUP"),
    kill: () => void process.kill(pid, "SIGKILL"),
    closeStderr: () => void child.stderr.destroy(),
    closeStdout: () => void child.stdout.destroy(),
    stopReading: () => void child.stdout.pause(),
    stopReadingLog: () => void child.stderr.pause(),
    readLogOn: () => void child.stderr.resume(),
    stdout,
    stderr,
    exited,
    ended,
    line(pattern, n = 1) {
      const matching = () => lines.filter((line) => pattern.test(line))[n - 1];
      const past = matching();
      if (past !== undefined) return Promise.resolve(past);
      return new Promise((resolve, reject) => {
        waiters.push({ matching, resolve });
        void ended.then((code) => reject(new Error(`ended with ${code}: ${lines.join("\n")}`)));
      });
    },
  };
}
