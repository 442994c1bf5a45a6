/** A script in a shell of its own, with what it prints and a way to end all that it started. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import process from "node:process";

/** Includes what a first build downloads. */
const timeoutMs = 180_000;

export interface Command {
  readonly stdout: string;
  /** Of both streams. */
  readonly output: string;
  readonly closed: Promise<unknown>;
  /** Resolves when the output is so; rejects when it ends before that, or takes too long. */
  until(isThere: (output: string) => boolean, what: RegExp): Promise<void>;
  /** Rejects when it ends otherwise, or takes too long. */
  ends(exitCode: number): Promise<void>;
  /** With all that it started. */
  kill(): void;
}

/** Starts it with bash, which stops at the first command that fails. */
export function startCommand(
  script: string,
  cwd: string,
  env: Record<string, string>,
): Command {
  const child: ChildProcess = spawn("bash", ["-e", "-c", script], {
    cwd,
    env,
    detached: true,
    stdio: ["ignore", "pipe", "pipe"],
  });
  const closed = once(child, "close");
  let stdout = "";
  let output = "";
  let look = () => {};
  const read = (stream: NodeJS.ReadableStream | null, isStdout: boolean) =>
    stream?.setEncoding("utf8").on("data", (text: string) => {
      output += text;
      if (isStdout) stdout += text;
      look();
    });
  read(child.stdout, true);
  read(child.stderr, false);
  const inTime = async <T>(promise: Promise<T>, what: string): Promise<T> => {
    const late = Promise.withResolvers<never>();
    const timer = setTimeout(
      () => late.reject(new Error(`${timeoutMs / 1000} s and not ${what}:\n${output}`)),
      timeoutMs,
    );
    try {
      return await Promise.race([promise, late.promise]);
    } finally {
      clearTimeout(timer);
    }
  };
  return {
    get stdout() {
      return stdout;
    },
    get output() {
      return output;
    },
    closed,
    async until(isThere, what) {
      const found = Promise.withResolvers<void>();
      const before = look;
      look = () => {
        before();
        if (isThere(output)) found.resolve();
      };
      look();
      const gone = closed.then(() => {
        if (!isThere(output)) throw new Error(`it ended and did not print ${what}:\n${output}`);
      });
      await inTime(Promise.race([found.promise, gone]), `printed ${what}`);
    },
    async ends(exitCode) {
      const [code] = await inTime(closed, "ended");
      if (code !== exitCode) throw new Error(`exit code ${code}, not ${exitCode}:\n${output}`);
    },
    kill() {
      try {
        process.kill(-(child.pid ?? 0), "SIGKILL");
      } catch {
        // all of it is gone
      }
    },
  };
}
