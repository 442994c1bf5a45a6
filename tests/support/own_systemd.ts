/** A real systemd as process 1 of namespaces of its own, over a copy-on-write view of this machine. */
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  copyFileSync,
  existsSync,
  readFileSync,
  realpathSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import process from "node:process";
import type { TestContext } from "./cleanup.ts";

const systemd = "/lib/systemd/systemd";
const namespaces = ["--fork", "--mount", "--pid", "--uts", "--net", "--cgroup", "--ipc"];
const repository = join(import.meta.dirname ?? ".", "..", "..");

/** Why tests that need it are skipped here; undefined when they are not. */
export const noOwnSystemd: string | undefined = whyNot();

function whyNot(): string | undefined {
  if (process.getuid?.() !== 0) return "only root makes namespaces";
  if (!existsSync(systemd)) return "no systemd on this machine: apt-get install systemd";
  const overlay = "mount -t tmpfs none /mnt && mkdir /mnt/u /mnt/w /mnt/r && " +
    "mount -t overlay overlay -o lowerdir=/,upperdir=/mnt/u,workdir=/mnt/w /mnt/r && " +
    "mount -t cgroup2 none /mnt/u";
  const { status } = spawnSync("unshare", [...namespaces, "sh", "-c", overlay], {
    stdio: "ignore",
  });
  return status === 0 ? undefined : "no namespaces, overlays or cgroups to be had here";
}

/** `/out` stays visible; the rest is seen by nobody else and gone at the end. */
const boot = `set -e
PATH=$PATH:/usr/sbin:/sbin
base=$1/base
mkdir $base
mount -t tmpfs none $base
mkdir $base/up $base/work $base/root
mount -t overlay overlay -o lowerdir=/,upperdir=$base/up,workdir=$base/work $base/root
cd $base/root
mount -t proc proc proc
mount --bind proc/sys proc/sys
mount -o remount,bind,ro proc/sys
mount -t sysfs -o ro sysfs sys
mount -t cgroup2 none sys/fs/cgroup
for each in run tmp dev; do mount -t tmpfs tmpfs $each; done
for each in null zero full random urandom tty; do touch dev/$each; mount --bind /dev/$each dev/$each; done
mkdir dev/pts dev/shm
mount -t devpts -o newinstance,ptmxmode=0666 devpts dev/pts
ln -s pts/ptmx dev/ptmx
mount -t tmpfs tmpfs dev/shm
touch dev/console
mkdir -p out srv/hookferry old
mount --bind $1 out
mount --bind $2 srv/hookferry
install -m 755 $1/hookferry usr/local/bin/hookferry
[ ! -e $1/runtime ] || install -m 755 $1/runtime usr/local/bin/hookferry-runtime
cat > etc/systemd/system/test.service <<'UNIT'
[Service]
Type=oneshot
TimeoutStartSec=90
ExecStart=/bin/bash -c 'exec /bin/bash /out/script > /out/log 2>&1'
ExecStopPost=-/bin/sh -c 'journalctl -o cat -u "hookferry-*" > /out/journal'
ExecStopPost=/bin/systemctl --force --force poweroff
UNIT
cat > etc/systemd/system/test.target <<'UNIT'
[Unit]
Requires=basic.target
Wants=test.service
After=basic.target
UNIT
ip link set lo up
pivot_root . old
cd /
umount -l /old
# As on a machine; what systemd hands to services depends on it.
mount --make-rshared /
exec env -i container=test PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin ${systemd} --unit=test.target > /out/console 2>&1
`;

/**
 * Runs the bash script as a service of that systemd, with `hookferry` in its path, and resolves when the machine
 * has gone down: with all it wrote, and what systemd's journal has of our services.
 */
export async function runUnderSystemd(
  t: TestContext,
  script: string,
): Promise<{ readonly log: string; readonly journal: string }> {
  const folder = t.folder();
  writeProgram(folder);
  writeFileSync(join(folder, "script"), script);
  const child = spawn(
    "unshare",
    [...namespaces, "--propagation", "private", "--kill-child=SIGKILL", "sh", "-c", boot, "sh"]
      .concat(folder, repository),
    { stdio: ["ignore", "ignore", "pipe"] },
  );
  let stderr = "";
  child.stderr.on("data", (chunk) => stderr += chunk);
  const ended = once(child, "close");
  t.defer(async () => {
    child.kill("SIGKILL");
    await ended;
  });
  await ended;
  const read = (name: string) => {
    const path = join(folder, name);
    return existsSync(path) ? readFileSync(path, "utf8") : `no ${name}: ${stderr}`;
  };
  return { log: read("log"), journal: read("journal") };
}

/** One executable file: the built one, or what starts this runtime with the source. */
function writeProgram(folder: string): void {
  const file = join(folder, "hookferry");
  const built = process.env["HOOKFERRY_BIN"];
  if (built) return copyFileSync(built, file);
  copyFileSync(realpathSync(process.execPath), join(folder, "runtime"));
  const run = "Deno" in globalThis ? "run --quiet --cached-only --allow-all" : "";
  writeFileSync(
    file,
    `#!/bin/sh
export DENO_DIR="\${XDG_STATE_HOME:-/tmp/$(id -u)}/deno"
exec /usr/local/bin/hookferry-runtime ${run} /srv/hookferry/main.ts "$@"
`,
  );
  chmodSync(file, 0o755);
}
