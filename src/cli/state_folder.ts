import { join } from "node:path";
import process from "node:process";
import { homeFolder } from "./home_folder.ts";

/** Where hookferry's state is kept: below the user's state folder (XDG Base Directory Specification). */
export function stateFolder(...parts: string[]): string {
  const state = process.env["XDG_STATE_HOME"] || join(homeFolder(), ".local", "state");
  return join(state, "hookferry", ...parts);
}

/** For messages: how to ask for state that is not where this user's is. */
export const otherState =
  "ask as the connector's user, or for a service with XDG_STATE_HOME=/var/lib/hookferry/NAME";
