import { accessSync, constants, existsSync, statfsSync } from "node:fs";
import { dirname, resolve } from "node:path";
import type { Finding } from "./finding.ts";

const MiB = 1024 * 1024;
const failBelow = 64 * MiB;
const warnBelow = 1024 * MiB;

/** The place of the journal: is it writable, is there room. */
export function checkDisk(folder: string | undefined): Finding {
  const check = "disk";
  if (folder === undefined) {
    return {
      check,
      status: "warn",
      detail: "the journal is in memory: what was delivered is forgotten when the process ends",
      fix: "set journal to sqlite:FOLDER",
    };
  }
  let at = resolve(folder);
  while (!existsSync(at)) at = dirname(at);
  try {
    accessSync(at, constants.W_OK);
  } catch {
    return {
      check,
      status: "fail",
      detail: `the journal's folder ${JSON.stringify(folder)} cannot be written`,
      fix: `chown or chmod ${JSON.stringify(at)}, or set journal to another folder`,
    };
  }
  const { bavail, bsize } = statfsSync(at);
  const free = bavail * bsize;
  const detail = `${Math.floor(free / MiB)} MiB free for the journal in ${folder}`;
  const fix = "make room, or set journal to another folder";
  if (free < failBelow) return { check, status: "fail", detail, fix };
  return free < warnBelow
    ? { check, status: "warn", detail, fix }
    : { check, status: "ok", detail };
}
