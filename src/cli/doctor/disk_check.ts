import { accessSync, constants, existsSync, statfsSync, statSync } from "node:fs";
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
  try {
    // A drive of Windows that is not there has no folder above it.
    while (!existsSync(at) && at !== dirname(at)) at = dirname(at);
    if (!statSync(at).isDirectory()) throw new Error("not a folder");
    accessSync(at, constants.W_OK);
  } catch {
    return {
      check,
      status: "fail",
      detail: `the journal's folder ${JSON.stringify(folder)} cannot be written`,
      fix: `make ${JSON.stringify(at)} a folder that can be written, or set journal to another`,
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
