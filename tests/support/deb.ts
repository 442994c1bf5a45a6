/** The Debian package of the built file HOOKFERRY_BIN. */
import { join } from "node:path";
import process from "node:process";
import { run } from "./shell.ts";

const script = join(import.meta.dirname ?? ".", "..", "..", "scripts", "package", "deb.ts");

/** Makes it in that folder. Resolves with its path. */
export async function makeDeb(out: string): Promise<string> {
  const deno = "Deno" in globalThis ? ["run", "--allow-all"] : [];
  const { code, stdout, stderr } = await run([
    ...[process.execPath, ...deno, script, "--maintainer", "Octo <octo@example.org>"],
    ...["--file", process.env["HOOKFERRY_BIN"] ?? "", "--out", out, "--compression", "gzip"],
  ], { HOME: process.env["HOME"] ?? "" });
  if (code !== 0) throw new Error(`${script}: ${code}\n${stderr}`);
  return stdout.trim();
}
