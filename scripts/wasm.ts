/**
 * Makes src/protocol/NAME_wasm.ts of wasm/NAME.as.ts, or tells whether it is what would be made. AssemblyScript comes from
 * npm for it: nothing else needs it, and it is a hundred megabytes.
 *
 *   deno task wasm [--check]
 */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";

const lineChars = 90;
const modules = [
  { name: "large_json", made: "largeJsonWasm", pages: 4 },
  { name: "line_ends", made: "lineEndsWasm", pages: 6 },
];

const isCheck = process.argv.includes("--check");
for (const { name, made, pages } of modules) {
  const file = `src/protocol/${name}_wasm.ts`;
  const text = `/** By \`deno task wasm\`, of wasm/${name}.as.ts. */
export const ${made} = [
${linesOf(name, pages).map((line) => `  "${line}",`).join("\n")}
].join("");
`;
  if (!isCheck) writeFileSync(file, text);
  else if (readFileSync(file, "utf8") !== text) {
    console.error(`${file} is not what wasm/${name}.as.ts makes: run deno task wasm`);
    process.exitCode = 1;
  }
}

/** The module in Base64; its memory is so many pages of 64 KiB. */
function linesOf(name: string, pages: number): readonly string[] {
  const folder = mkdtempSync(join(tmpdir(), "wasm-"));
  const file = join(folder, "made.wasm");
  const source = `src/protocol/wasm/${name}.as.ts`;
  const options = ["-O3", "--runtime", "stub", "--enable", "simd", "--noAssert"];
  const memory = ["--initialMemory", String(pages), "--maximumMemory", String(pages)];
  execFileSync(
    "npx",
    ["-y", "-p", "assemblyscript@0.28.20", "asc", source, "-o", file, ...options, ...memory],
    { stdio: "inherit" },
  );
  const base64 = readFileSync(file).toString("base64");
  rmSync(folder, { recursive: true });
  return base64.match(new RegExp(`.{1,${lineChars}}`, "g")) ?? [];
}
