import process from "node:process";
import type { Settings } from "../config/settings.ts";
import type { LogFormat } from "../observe/log.ts";

/** How to log to stderr: `auto` is for people on a terminal and for programs elsewhere; NO_COLOR and CI count. */
export function logFormat(format: Settings["log"]["format"]): LogFormat {
  const isTerminal = process.stderr.isTTY && !process.env["CI"];
  const chosen = format === "auto" ? isTerminal ? "human" : "json" : format;
  if (chosen === "json") return "json";
  return isTerminal && !process.env["NO_COLOR"] ? "human_color" : "human";
}
