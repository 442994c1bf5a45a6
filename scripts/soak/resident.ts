import { spawnSync } from "node:child_process";

export interface Resident {
  /** Now, MiB. */
  readonly mib: number;
  /** The most so far, as the kernel knows it, MiB. */
  readonly peakMib: number;
}

/** Resident memory of a process (Linux). */
export function residentOf(pid: number): Resident {
  // Deno reads /proc only with all permissions there are; cat needs none of them.
  const { stdout } = spawnSync("cat", [`/proc/${pid}/status`], { encoding: "utf8" });
  const mib = (name: string) =>
    Math.round(Number(new RegExp(`${name}:\\s+(\\d+) kB`).exec(stdout)?.[1]) / 1024);
  return { mib: mib("VmRSS"), peakMib: mib("VmHWM") };
}
