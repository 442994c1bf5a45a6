/** systemd's own word on a unit. */
import { spawnSync } from "node:child_process";

/** Why tests that need systemd-analyze are skipped here; undefined when they are not. */
export const noSystemdAnalyze: string | undefined =
  spawnSync("systemd-analyze", ["--version"], { stdio: "ignore" }).status === 0
    ? undefined
    : "no systemd-analyze on this machine: apt-get install systemd";

/** What `systemd-analyze verify` has against the unit; empty = nothing. */
export function verifyUnit(path: string): string {
  const { stderr, stdout, status } = spawnSync(
    "systemd-analyze",
    ["verify", "--man=no", path],
    { encoding: "utf8" },
  );
  return status === 0 && stderr === "" ? "" : `${status}: ${stdout}${stderr}`;
}

/** The exposure level of `systemd-analyze security`, 0 (best) to 10. */
export function exposureOf(path: string): number {
  const { stdout, stderr } = spawnSync(
    "systemd-analyze",
    ["security", "--offline=true", "--no-pager", path],
    { encoding: "utf8" },
  );
  const level = /Overall exposure level for \S+: ([\d.]+)/.exec(stdout)?.[1];
  if (level === undefined) throw new Error(`no level: ${stdout}${stderr}`);
  return Number(level);
}
