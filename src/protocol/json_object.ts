import type { z } from "zod";
import { maxQuoteLength } from "./limits.ts";

/** The object, or what is wrong with the text. */
export function parseObject(text: string): Record<string, unknown> | string {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return "not JSON";
  }
  return isObject(value) ? value : "not a JSON object";
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The first thing that is wrong, with its path. */
export function problemOf(error: z.ZodError): string {
  const issue = error.issues[0];
  return issue ? quoted(`${issue.path.join(".") || "frame"}: ${issue.message}`) : "not a frame";
}

/** The beginning of what the other side said: it may be as long as a frame, and ends up in logs. */
export function quoted(text: string): string {
  return text.length <= maxQuoteLength ? text : `${text.slice(0, maxQuoteLength)}…`;
}
