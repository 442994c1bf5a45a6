/** What a service reaches of what whoever installs it reaches: it starts elsewhere, as somebody else. */
import { statSync } from "node:fs";
import { dirname, isAbsolute, resolve } from "node:path";
import { ConfigError } from "../../config/config_error.ts";
import type { Manager } from "./manager.ts";

/** The folder that the service does not see, with what is in it. */
export function hiddenFolder(path: string, { hidden }: Manager): string | undefined {
  return hidden.find((folder) => resolve(path).startsWith(`${folder}/`));
}

/** What would let everybody read a file that lies below `root`; undefined: they can. */
export function toOpen(path: string, root: string): string | undefined {
  if ((statSync(path).mode & 0o004) === 0) return `chmod o+r ${path}`;
  for (let folder = dirname(path); folder !== root; folder = dirname(folder)) {
    if ((statSync(folder).mode & 0o001) === 0) return `chmod o+x ${folder}`;
  }
  return undefined;
}

/**
 * Throws a `ConfigError` with the paths that the service cannot use: `read` are those it reads, as a user of its own
 * when `user` is undefined; `used` are others.
 */
export function assertReached(
  { read = [], used }: { readonly read?: readonly string[]; readonly used: readonly string[] },
  manager: Manager,
  user: string | undefined,
): void {
  const problems = [...read, ...used].flatMap((path) => {
    if (!isAbsolute(path)) {
      return [`${path}: a service does not start in this folder: use an absolute path`];
    }
    const folder = hiddenFolder(path, manager);
    if (folder !== undefined) return [`${path}: a service sees nothing of ${folder}`];
    const open = user === undefined && read.includes(path) ? toOpen(path, "/") : undefined;
    if (open === undefined) return [];
    return [`${path}: the user that the service gets cannot read it: ${open}, or give --user`];
  });
  if (problems.length > 0) throw new ConfigError(problems);
}
