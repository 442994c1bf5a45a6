import { execFile } from "node:child_process";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

/** The JSON that a script of this folder prints where the runtime has no WebAssembly. */
export async function withoutWebAssembly(name: string): Promise<unknown> {
  const script = fileURLToPath(new URL(name, import.meta.url));
  const args = "Deno" in globalThis ? ["run", "--v8-flags=--jitless", script] : [script];
  const env = { ...process.env, BUN_JSC_useWasm: "0" };
  const { stdout } = await promisify(execFile)(process.execPath, args, { env });
  return JSON.parse(stdout);
}
