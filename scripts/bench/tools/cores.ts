/** Relay and target on one core, what is measured on the other, so that neither takes time from the other. */
import { spawnSync } from "node:child_process";
import os from "node:os";
import process from "node:process";

export const farCore = 0;
export const subjectCore = 1;

/** By `taskset` of util-linux; without it, or with one core, processes run where they like. */
const canPin = os.cpus().length > 1 && spawnSync("taskset", ["-c", "0", "true"]).status === 0;

/** The command line that runs a command on one core only. */
export function onCore(core: number, command: readonly string[]): readonly string[] {
  return canPin ? ["taskset", "-c", String(core), ...command] : command;
}

/** This process stays on one core from now on, with all its threads. */
export function holdOnCore(core: number): void {
  if (canPin) spawnSync("taskset", ["-a", "-c", "-p", String(core), String(process.pid)]);
}
