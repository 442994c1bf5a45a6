import { existsSync } from "node:fs";
import process from "node:process";
import { UsageError } from "../usage_error.ts";
import { launchd } from "./launchd.ts";
import type { Manager } from "./manager.ts";
import { openrc } from "./openrc.ts";
import { systemd } from "./systemd.ts";

/** Windows has none: what is to be entered there is text. */
const managers = { systemd, openrc, launchd, windows: undefined };

export const managerNames = Object.keys(managers);

/** The one of that name, or the one that runs this machine. Undefined on Windows. Throws `UsageError`. */
export function findManager(given: string | undefined): Manager | undefined {
  const name = given ?? whatRunsHere();
  if (name !== undefined && Object.hasOwn(managers, name)) {
    return managers[name as keyof typeof managers];
  }
  const names = managerNames.join(", ");
  throw new UsageError(
    given === undefined
      ? `no service manager is seen here: give --manager (${names})`
      : `--manager ${JSON.stringify(given)}: use one of ${names}`,
  );
}

function whatRunsHere(): string | undefined {
  if (process.platform === "win32") return "windows";
  if (process.platform === "darwin") return "launchd";
  if (existsSync("/run/systemd/system")) return "systemd";
  if (existsSync("/run/openrc")) return "openrc";
  return undefined;
}
