import process from "node:process";
import type { Settings } from "../config/settings.ts";
import { UsageError } from "./usage_error.ts";

type Chosen = Settings["output"];

/** What standard output is for: a live view, lines for people, lines of JSON, or nothing. */
export type OutputMode = Exclude<Chosen, "auto">;

/** `auto` is a live view for people on a terminal and JSON for programs; CI counts. Throws `UsageError`. */
export function outputMode(chosen: Chosen): OutputMode {
  const { TERM, CI } = process.env;
  const canDraw = process.stdout.isTTY === true && TERM !== "dumb";
  if (chosen === "live" && !canDraw) {
    throw new UsageError("--output live: standard output is no terminal; use text, json or quiet");
  }
  if (chosen !== "auto") return chosen;
  if (!process.stdout.isTTY || CI) return "json";
  return canDraw ? "live" : "text";
}
