/** What a service reaches of what whoever installs it reaches: it starts elsewhere, as somebody else. */
import { existsSync, readFileSync, statSync } from "node:fs";
import { dirname, isAbsolute, join, resolve } from "node:path";
import { ConfigError } from "../../config/config_error.ts";
import { shellWord } from "../quoting.ts";
import type { Manager } from "./manager.ts";

/** The folder that the service does not see, with what is in it. */
export function hiddenFolder(path: string, { hidden }: Manager): string | undefined {
  return hidden.find((folder) => isIn(path, folder));
}

/** What would let everybody read a file that lies below `root`; undefined: they can. */
export function toOpen(path: string, root: string): string | undefined {
  if ((statSync(path).mode & 0o004) === 0) return `chmod o+r ${path}`;
  for (let folder = dirname(path); folder !== root; folder = dirname(folder)) {
    if ((statSync(folder).mode & 0o001) === 0) return `chmod o+x ${folder}`;
  }
  return undefined;
}

/** Whether it is the folder or lies in it. */
export function isIn(path: string, folder: string): boolean {
  return resolve(path) === folder || resolve(path).startsWith(`${folder}/`);
}

/** Paths that a service needs. */
export interface Needed {
  readonly read?: readonly string[];
  /** Folders outside of its state folder. */
  readonly written?: readonly string[];
  /** Of which nothing is known but that it needs them. */
  readonly used?: readonly string[];
}

/**
 * Throws a `ConfigError` with the paths that the service `name` cannot use, as `user`, or as a user of its own where
 * that is undefined. Folders and users are looked for below `root`.
 */
export function assertReached(
  { read = [], written = [], used = [] }: Needed,
  manager: Manager,
  { name, user, root }: {
    readonly name: string;
    readonly user: string | undefined;
    readonly root: string;
  },
): void {
  const problems = [...read, ...written, ...used].flatMap((path) => {
    if (!isAbsolute(path)) {
      return [`${path}: a service does not start in this folder: use an absolute path`];
    }
    const folder = hiddenFolder(path, manager);
    if (folder !== undefined) return [`${path}: a service sees nothing of ${folder}`];
    if (written.includes(path) && manager.confines) {
      return user === undefined
        ? [`${path}: the user that the service gets writes into ${manager.stateFolder(name)} alone`]
        : toWrite(path, user, root);
    }
    const open = user === undefined && read.includes(path) ? toOpen(path, "/") : undefined;
    if (open === undefined) return [];
    return [`${path}: the user that the service gets cannot read it: ${open}, or give --user`];
  });
  if (problems.length > 0) throw new ConfigError(problems);
}

/** Why the user cannot write into the folder, with what would let him. */
function toWrite(path: string, user: string, root: string): readonly string[] {
  const found = statSync(join(root, path), { throwIfNoEntry: false });
  if (!found?.isDirectory()) {
    return [`${path}: there is no such folder: install -d -o ${user} -m 700 ${shellWord(path)}`];
  }
  const uid = uidOf(user, root);
  if (uid === undefined || uid === found.uid || (found.mode & 0o022) !== 0) return [];
  return [`${path}: ${user} cannot write there: chown ${user} ${shellWord(path)}`];
}

/** Undefined where no file tells it. */
function uidOf(user: string, root: string): number | undefined {
  const file = join(root, "/etc/passwd");
  const lines = existsSync(file) ? readFileSync(file, "utf8").split("\n") : [];
  const [, , uid] = lines.map((line) => line.split(":")).find(([name]) => name === user) ?? [];
  return uid === undefined ? undefined : Number(uid);
}
