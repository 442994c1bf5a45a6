/** A Debian in a folder, with nothing but its base and curl: where what was installed must do with what is there. */
import { existsSync, mkdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { TestContext } from "./cleanup.ts";
import { missing, notRoot, type Ran, run } from "./shell.ts";

// Made once, as it takes a minute; what `deno task compile` makes is beside it.
const kept = join(import.meta.dirname ?? ".", "..", "..", "dist", "debian");

/** Why there is no clean machine here; undefined when there is. */
export const noCleanMachine: string | undefined = notRoot ?? missing("debootstrap") ??
  missing("unshare");

export interface CleanMachine {
  /** Where its files are. */
  readonly root: string;
  /** Runs a shell command on it. */
  sh(command: string, env?: Readonly<Record<string, string>>): Promise<Ran>;
}

/** One that is as new. */
export async function cleanMachine(t: TestContext): Promise<CleanMachine> {
  if (!existsSync(kept)) await makeKept();
  const root = join(t.folder(), "root");
  await assured(["cp", "-a", kept, root]);
  // In a process tree of its own: what it leaves running ends with it.
  const enter = `mount -t proc proc '${root}/proc' && exec chroot '${root}' sh -c "$0"`;
  const PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
  return {
    root,
    sh: (command, env = {}) =>
      run(["unshare", "--mount", "--pid", "--fork", "--kill-child", "sh", "-c", enter, command], {
        HOME: "/root",
        ...env,
        PATH,
      }),
  };
}

async function makeKept(): Promise<void> {
  const half = `${kept}.${crypto.randomUUID()}`;
  mkdirSync(half, { recursive: true });
  try {
    const options = ["--variant=minbase", "--include=curl"];
    await assured(["debootstrap", ...options, "bookworm", half]);
    renameSync(half, kept);
  } catch (error) {
    // The tests of the other runtime may have made it in the meantime.
    if (!existsSync(kept)) throw error;
  } finally {
    rmSync(half, { recursive: true, force: true });
  }
}

async function assured(command: readonly string[]): Promise<void> {
  const { code, stderr, stdout } = await run(command);
  if (code !== 0) {
    throw new Error(`${command.join(" ")}: ${code}\n${stderr}${stdout.slice(-2_000)}`);
  }
}
