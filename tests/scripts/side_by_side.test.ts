import assert from "node:assert/strict";
import { once } from "node:events";
import { spawn } from "node:child_process";
import { existsSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import process from "node:process";
import { test, type TestContext } from "../support/test.ts";

const script = join(import.meta.dirname ?? ".", "../../scripts/side_by_side.ts");

function sideBySide(t: TestContext, commands: readonly string[]) {
  const flags = "Deno" in globalThis ? ["run", "--allow-all"] : [];
  const child = spawn(process.execPath, [...flags, script, ...commands], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  t.defer(() => child.kill("SIGKILL"));
  child.stdout.setEncoding("utf8");
  return { child, ended: once(child, "close") };
}

/** Shell for waiting until a file is there; ends with the test, too. */
function untilThere(file: string): string {
  return `while [ -d ${dirname(file)} ] && [ ! -e ${file} ]; do sleep 0.02; done`;
}

/** A shell script of its own: a command is cut at its spaces. */
function shellScript(folder: string, name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return `sh ${path}`;
}

test("commands run at the same time, and are shown one after the other", async (t) => {
  const folder = t.folder();
  const mark = join(folder, "mark");
  // The first waits for the second: one after the other they would never end.
  const first = `echo first; ${untilThere(mark)}; echo first ends`;
  const commands = [
    shellScript(folder, "a", first),
    shellScript(folder, "b", `echo second; touch ${mark}`),
  ];
  const { child, ended } = sideBySide(t, commands);
  let printed = "";
  for await (const chunk of child.stdout) printed += chunk;
  assert.equal(printed, "first\nfirst ends\nsecond\n");
  assert.deepEqual(await ended, [0, null]);
});

test("the first one is shown as it goes, before the others have ended", async (t) => {
  const folder = t.folder();
  const mark = join(folder, "mark");
  const wait = shellScript(folder, "a", `echo here; ${untilThere(mark)}`);
  const { child, ended } = sideBySide(t, [wait, wait]);
  assert.deepEqual(await once(child.stdout, "data"), ["here\n"]);
  assert.ok(!existsSync(mark));
  writeFileSync(mark, "");
  assert.deepEqual(await ended, [0, null]);
});

test("one that fails, or is not there, does not keep the others from ending", async (t) => {
  const folder = t.folder();
  const commands = [
    shellScript(folder, "a", "echo one; exit 3"),
    join(folder, "missing"),
    shellScript(folder, "c", "echo three"),
  ];
  const { child, ended } = sideBySide(t, commands);
  let printed = "";
  for await (const chunk of child.stdout) printed += chunk;
  assert.match(printed, /^one\ncannot run ".*missing": .*ENOENT.*\nthree\n$/);
  assert.deepEqual(await ended, [1, null]);
});
