/** What a process used of the machine (Linux). */
import { spawnSync } from "node:child_process";

/** Clock ticks a second in /proc/PID/stat: 100 on every Linux since 2.6. */
const ticksPerSecond = 100;

export function cpuSecondsOf(pid: number): number {
  // Behind the name, which may hold anything, in parentheses.
  const stat = read(pid, "stat");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond;
}

export interface Resident {
  /** Now, MiB. */
  readonly mib: number;
  /** Of it what is in no file, MiB: the rest are pages of the executable, which all that run it share. */
  readonly ownMib: number;
  /** The most so far, as the kernel knows it, MiB. */
  readonly peakMib: number;
}

/** Resident memory. */
export function residentOf(pid: number): Resident {
  const status = read(pid, "status");
  const mib = (name: string) =>
    Number(new RegExp(`${name}:\\s+(\\d+) kB`).exec(status)?.[1]) / 1024;
  return { mib: mib("VmRSS"), ownMib: mib("RssAnon"), peakMib: mib("VmHWM") };
}

function read(pid: number, file: string): string {
  // Deno reads /proc only with all permissions there are; cat needs none of them.
  return spawnSync("cat", [`/proc/${pid}/${file}`], { encoding: "utf8" }).stdout;
}
