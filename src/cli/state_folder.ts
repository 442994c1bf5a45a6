import { homedir } from "node:os";
import { join } from "node:path";
import process from "node:process";

/** Where hookferry's state is kept: below the user's state folder (XDG Base Directory Specification). */
export function stateFolder(...parts: string[]): string {
  const state = process.env["XDG_STATE_HOME"] || join(homedir(), ".local", "state");
  return join(state, "hookferry", ...parts);
}
