import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { skip, test, type TestContext } from "./test.ts";

/** A test with a folder on a disk of its own that is soon full; skipped where none can be mounted. */
export function onSmallDisk(
  name: string,
  kibibytes: number,
  body: (t: TestContext, folder: string) => Promise<void>,
): void {
  if (!canMount()) return skip(name, "no right to mount a small file system");
  test(name, async (t) => {
    const folder = t.folder();
    execFileSync("mount", ["-t", "tmpfs", "-o", `size=${kibibytes}k`, "tmpfs", folder]);
    t.defer(() => execFileSync("umount", ["-l", folder]));
    await body(t, folder);
  });
}

function canMount(): boolean {
  const folder = mkdtempSync(join(tmpdir(), "mount-"));
  try {
    mkdirSync(join(folder, "m"));
    execFileSync("mount", ["-t", "tmpfs", "tmpfs", join(folder, "m")], { stdio: "ignore" });
    execFileSync("umount", [join(folder, "m")], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
