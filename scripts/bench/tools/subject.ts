/** A process that is measured: what it used of the machine is read from /proc. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import process from "node:process";

/** Clock ticks a second in /proc/PID/stat: 100 on every Linux since 2.6. */
const ticksPerSecond = 100;

export class Subject {
  readonly #child: ChildProcess;

  /** Its output is written, to nobody; with BENCH_ERRORS its log is shown. */
  constructor([program = "", ...args]: readonly string[], env: Record<string, string> = {}) {
    this.#child = spawn(program, args, {
      stdio: ["ignore", "ignore", process.env["BENCH_ERRORS"] ? "inherit" : "ignore"],
      env: { ...process.env, ...env },
    });
  }

  get cpuSeconds(): number {
    // Behind the name, which may hold anything, in parentheses.
    const stat = this.#read("stat");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond;
  }

  get residentMib(): number {
    return Number(/VmRSS:\s+(\d+)/.exec(this.#read("status"))?.[1]) / 1024;
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const ended = once(this.#child, "exit");
    this.#child.kill("SIGKILL");
    await ended;
  }

  #read(file: string): string {
    return readFileSync(`/proc/${this.#child.pid}/${file}`, "utf8");
  }
}
