/** What a process used of the machine, read from /proc (Linux). */
import { readFileSync } from "node:fs";

/** Clock ticks a second in /proc/PID/stat: 100 on every Linux since 2.6. */
const ticksPerSecond = 100;

export function cpuSecondsOf(pid: number): number {
  // Behind the name, which may hold anything, in parentheses.
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond;
}

export function residentMibOf(pid: number): number {
  return memberOf(pid, "VmRSS") / 1024;
}

/** The most that it ever had. */
export function peakMibOf(pid: number): number {
  return memberOf(pid, "VmHWM") / 1024;
}

function memberOf(pid: number, name: string): number {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  return Number(new RegExp(`${name}:\\s+(\\d+) kB`).exec(status)?.[1]);
}
