/** A process that is measured. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import process from "node:process";
import { createInterface } from "node:readline";
import { cpuSecondsOf, residentOf } from "../../process_figures.ts";

export class Subject {
  readonly #child: ChildProcess;

  /** Its output is written, to nobody unless `told` is asked for; with BENCH_ERRORS its log is shown. */
  constructor(
    [program = "", ...args]: readonly string[],
    env: Record<string, string> = {},
    stdout: "ignore" | "pipe" = "ignore",
  ) {
    this.#child = spawn(program, args, {
      stdio: ["ignore", stdout, process.env["BENCH_ERRORS"] ? "inherit" : "ignore"],
      env: { ...process.env, ...env },
    });
  }

  get cpuSeconds(): number {
    return cpuSecondsOf(this.#pid);
  }

  get residentMib(): number {
    return residentOf(this.#pid).mib;
  }

  get ownMib(): number {
    return residentOf(this.#pid).ownMib;
  }

  /** The first line that it says, where its output is a pipe. */
  async told(): Promise<string> {
    if (!this.#child.stdout) throw new Error("its output is not read");
    const [line] = await once(createInterface({ input: this.#child.stdout }), "line") as [string];
    return line;
  }

  async stop(signal: "SIGKILL" | "SIGTERM" = "SIGKILL"): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const ended = once(this.#child, "exit");
    this.#child.kill(signal);
    await ended;
  }

  get #pid(): number {
    return this.#child.pid ?? 0;
  }
}
