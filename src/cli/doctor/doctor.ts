import process from "node:process";
import { systemClock } from "../../async/clock.ts";
import { allTargets } from "../../config/all_targets.ts";
import { ConfigError } from "../../config/config_error.ts";
import { loadConnections, type LoadedConnections } from "../../config/load_connections.ts";
import type { Settings } from "../../config/settings.ts";
import { visible } from "../../output/visible.ts";
import { journalFolder } from "../connector_journal.ts";
import { exitCode } from "../exit_code.ts";
import { readLayers } from "../layers.ts";
import { checkDisk } from "./disk_check.ts";
import type { Finding, Tell } from "./finding.ts";
import { checkListen } from "./listen_check.ts";
import { checkRelay } from "./relay_checks.ts";
import { checkWay } from "./way_checks.ts";
import type { Command } from "../command.ts";

const doctorHelp = `hookferry doctor: what keeps a connector from working, and what to do.

  Looks at the settings, the proxy, the name, the connection and the
  certificate of the relay, its clock, the token, each transport, each target
  (as far as a connection, no request is sent), the disk, and whether
  status_listen can be had.

  --json     one line of JSON: {"ok": ..., "findings": [...]}

  Flags, variables and files are those of connect (hookferry connect --help).
  A message that the relay hands out meanwhile is given back untried.
  Exit codes: 0 nothing failed, 1 something did, 2 usage, 78 bad configuration.

  hookferry doctor --config connector.yaml
`;

/** No step may take longer than this, whatever connection_timeout says. */
const maxStepMs = 15_000;

/** Resolves with the exit code. */
async function doctorCommand(args: readonly string[]): Promise<number> {
  const asJson = args.includes("--json"); // also where nothing else can be read
  const findings: Finding[] = [];
  const tell: Tell = (finding) => {
    findings.push(finding);
    if (!asJson) process.stdout.write(shown(finding));
  };
  const load = async () => loadConnections(await readLayers(args, { json: "boolean" }));
  const code = await examine(load, tell);
  const failed = findings.filter(({ status }) => status === "fail").length;
  if (asJson) process.stdout.write(`${JSON.stringify({ ok: failed === 0, findings })}\n`);
  else process.stdout.write(failed === 0 ? "nothing failed\n" : `${failed} failed\n`);
  return failed === 0 ? exitCode.ok : code;
}

/** Resolves with the exit code for when something failed. */
async function examine(load: () => Promise<LoadedConnections>, tell: Tell): Promise<number> {
  let loaded: LoadedConnections;
  try {
    loaded = await load();
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    const fix = "correct it: docs/CONFIGURATION.md";
    for (const detail of error.problems) tell({ check: "settings", status: "fail", detail, fix });
    return exitCode.badConfig;
  }
  const { connections, warnings, first } = loaded;
  tell({ check: "settings", status: "ok", detail: "valid" });
  for (const detail of warnings) {
    tell({ check: "settings", status: "warn", detail, fix: "docs/CONFIGURATION.md" });
  }
  for (const [name, { settings }] of connections) {
    const at = name === "" ? "" : `${name}.`;
    await examineOne(settings, (finding) => tell({ ...finding, check: at + finding.check }));
  }
  const { statusListen } = first.settings;
  const isDefault = first.values.origin("status_listen")?.origin === "default";
  if (statusListen) tell(await checkListen(statusListen, { isDefault }));
  return exitCode.unexpected;
}

async function examineOne(settings: Settings, tell: Tell): Promise<void> {
  const { source } = settings;
  const timeoutMs = Math.min(source.connectionTimeoutMs, maxStepMs);
  const checking = { tell, timeoutMs, now: systemClock.now() };
  if (await checkWay({ name: "relay", refusesForbidden: true, ...source }, checking)) {
    await checkRelay(source, { tell, timeoutMs, clock: systemClock });
  }
  for (const target of allTargets(settings)) {
    await checkWay({ ...target, name: `target.${target.name}` }, checking);
  }
  tell(checkDisk(journalFolder(settings)));
}

function shown({ check, status, detail, fix }: Finding): string {
  const line = `${status.padEnd(5)} ${check.padEnd(24)} ${visible(detail)}\n`;
  return fix === undefined || status === "ok" ? line : `${line}${" ".repeat(31)}-> ${fix}\n`;
}

export const doctor: Command = { help: doctorHelp, run: doctorCommand };
