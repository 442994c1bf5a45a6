/**
 * Makes src/protocol/large_json_wasm.ts of wasm/large_json.as.ts, or tells whether it is what would be made. AssemblyScript
 * comes from npm for it: nothing else needs it, and it is a hundred megabytes.
 *
 *   deno task wasm [--check]
 */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";

const source = "src/protocol/wasm/large_json.as.ts";
const made = "src/protocol/large_json_wasm.ts";
const lineChars = 90;

const folder = mkdtempSync(join(tmpdir(), "wasm-"));
const file = join(folder, "large_json.wasm");
const options = ["-O3", "--runtime", "stub", "--enable", "simd", "--noAssert"];
const memory = ["--initialMemory", "4", "--maximumMemory", "4"];
execFileSync(
  "npx",
  ["-y", "-p", "assemblyscript@0.28.20", "asc", source, "-o", file, ...options, ...memory],
  { stdio: "inherit" },
);
const lines = readFileSync(file).toString("base64").match(new RegExp(`.{1,${lineChars}}`, "g"));
rmSync(folder, { recursive: true });
const text = `/** By \`deno task wasm\`, of wasm/large_json.as.ts. */
export const largeJsonWasm = [
${lines?.map((line) => `  "${line}",`).join("\n")}
].join("");
`;
if (!process.argv.includes("--check")) writeFileSync(made, text);
else if (readFileSync(made, "utf8") !== text) {
  console.error(`${made} is not what ${source} makes: run deno task wasm`);
  process.exitCode = 1;
}
