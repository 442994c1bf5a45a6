import { spawnSync } from "node:child_process";

/** Why tests that need promtool are skipped here; undefined when they are not. */
export const noPromtool: string | undefined =
  spawnSync("promtool", ["--version"], { stdio: "ignore" }).status === 0
    ? undefined
    : "no promtool on this machine: apt-get install prometheus";

/** What promtool says of `input`, and whether it is content. */
export function promtool(
  args: readonly string[],
  input = "",
): { readonly ok: boolean; readonly says: string } {
  const { status, stdout, stderr } = spawnSync("promtool", args, { input, encoding: "utf8" });
  return { ok: status === 0, says: `${stdout}${stderr}` };
}
