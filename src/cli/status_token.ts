import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { randomBytes } from "node:crypto";
import { stateFolder } from "./state_folder.ts";

/** Where the token of the status server on that port of this machine is; the same user's commands find it there. */
export function statusTokenFile(port: number): string {
  return stateFolder("status", `${port}.token`);
}

/** Makes a token for the status server on that port, readable by this user alone. Throws the file system's error. */
export function writeStatusToken(port: number): { readonly token: string; remove(): void } {
  const file = statusTokenFile(port);
  const token = randomBytes(24).toString("base64url");
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  rmSync(file, { force: true });
  writeFileSync(file, token, { mode: 0o600 });
  return { token, remove: () => rmSync(file, { force: true }) };
}

/** The token that a running connector of this user wrote; undefined when there is none. */
export function readStatusToken(port: number): string | undefined {
  try {
    return readFileSync(statusTokenFile(port), "utf8").trim();
  } catch {
    return undefined;
  }
}
