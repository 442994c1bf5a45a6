/** The built file on a machine that has only curl and sh. */
import assert from "node:assert/strict";
import { cpSync, readFileSync } from "node:fs";
import process from "node:process";
import { join } from "node:path";
import { cleanMachine, noCleanMachine } from "../support/clean_machine.ts";
import { makeDeb } from "../support/deb.ts";
import { serveRelease, sums } from "../support/release.ts";
import { missing, run } from "../support/shell.ts";
import { testUnless } from "../support/test.ts";

const root = join(import.meta.dirname ?? ".", "..", "..");
const built = process.env["HOOKFERRY_BIN"];
const notBuilt = built === undefined
  ? "only with HOOKFERRY_BIN: deno task test:installed"
  : undefined;

testUnless(
  notBuilt ?? noCleanMachine,
  "the install script puts the file in place with only curl and sh, and dev --once delivers",
  async (t) => {
    const machine = await cleanMachine(t);
    const executable = readFileSync(built ?? "");
    const { url } = await serveRelease(t, {
      "install.sh": readFileSync(join(root, "scripts", "install.sh")),
      ...Object.fromEntries(
        ["linux-x64", "linux-arm64"].map((target) => [`hookferry-${target}`, executable]),
      ),
      SHA256SUMS: sums({ "hookferry-linux-x64": executable, "hookferry-linux-arm64": executable }),
    });
    const env = { HOOKFERRY_BASE_URL: url };
    const installed = await machine.sh("curl -fsS $HOOKFERRY_BASE_URL/install.sh | sh", env);
    assert.equal(installed.code, 0, installed.stderr);
    assert.match(installed.stdout, /^installed \/usr\/local\/bin\/hookferry: hookferry \d/);
    const { code, stdout, stderr } = await machine.sh("hookferry dev --once");
    assert.equal(code, 0, stderr);
    const outcomes = stdout.split("\n").filter((line) => line.includes('"outcome":"delivered"'));
    assert.equal(outcomes.length, 1, stdout);
    const removed = await machine.sh(
      "curl -fsS $HOOKFERRY_BASE_URL/install.sh | sh -s -- --uninstall",
      env,
    );
    assert.equal(removed.stdout, "removed /usr/local/bin/hookferry\n", removed.stderr);
  },
);

const packaged =
  "lintian finds nothing in the .deb; it installs, delivers, and is purged without leftovers";
testUnless(notBuilt ?? noCleanMachine ?? missing("lintian"), packaged, async (t) => {
  const deb = await makeDeb(t.folder());
  const judged = await run(["lintian", "--allow-root", "--fail-on", "error,warning", deb]);
  assert.equal(judged.code, 0, judged.stdout + judged.stderr);

  const machine = await cleanMachine(t);
  cpSync(deb, join(machine.root, "hookferry.deb"));
  // /usr/share/{man,doc} too; not what dpkg writes down of its own work.
  const everything = "find / -xdev -path /proc -prune -o -path /var/lib/dpkg -prune -o " +
    "-path /var/log -prune -o -path /tmp -prune -o -print | sort";
  const before = await machine.sh(everything);
  const installed = await machine.sh("dpkg --install hookferry.deb && dpkg --verify hookferry");
  assert.equal(installed.code, 0, installed.stderr + installed.stdout);
  const { code, stdout, stderr } = await machine.sh("XDG_STATE_HOME=/tmp hookferry dev --once");
  assert.equal(code, 0, stderr);
  assert.match(stdout, /"outcome":"delivered"/);
  const purged = await machine.sh("dpkg --purge hookferry");
  assert.equal(purged.code, 0, purged.stderr);
  assert.equal((await machine.sh(everything)).stdout, before.stdout);
});
