/**
 * `deno task compile [--with deno|bun] [--target NAME|all] [--out FOLDER]`: one executable, with the permissions the
 * program needs; `dist/hookferry` for this machine, `dist/hookferry-TARGET` for another, with `dist/SHA256SUMS`.
 * Where nothing is said and `deno compile` cannot have its base binary (closed networks), says so and builds the
 * same program with Bun.
 */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { basename, join, resolve } from "node:path";
import process from "node:process";
import { parseArgs } from "node:util";
import { writeBuildEntry } from "./build_entry.ts";
import { startFlags } from "./start_flags.ts";

/** What each tool calls it; undefined = it cannot. */
const targets: Readonly<Record<string, { readonly deno?: string; readonly bun: string }>> = {
  "linux-x64": { deno: "x86_64-unknown-linux-gnu", bun: "bun-linux-x64-baseline" },
  "linux-arm64": { deno: "aarch64-unknown-linux-gnu", bun: "bun-linux-arm64" },
  "linux-x64-musl": { bun: "bun-linux-x64-musl" },
  "linux-arm64-musl": { bun: "bun-linux-arm64-musl" },
  "macos-x64": { deno: "x86_64-apple-darwin", bun: "bun-darwin-x64" },
  "macos-arm64": { deno: "aarch64-apple-darwin", bun: "bun-darwin-arm64" },
  "windows-x64": { deno: "x86_64-pc-windows-msvc", bun: "bun-windows-x64-baseline" },
};
const root = join(import.meta.dirname ?? ".", "..");

const { values } = parseArgs({
  options: {
    with: { type: "string" },
    target: { type: "string" },
    out: { type: "string", default: "dist" },
  },
});
const out = resolve(values.out);
const tool = values.with;
if (tool !== undefined && tool !== "deno" && tool !== "bun") fail(`--with ${tool}: deno or bun`);
const here = `${process.platform === "darwin" ? "macos" : process.platform}-${process.arch}`;
const wanted = values.target === "all" ? Object.keys(targets) : [values.target ?? here];
mkdirSync(out, { recursive: true });
for (const name of wanted) build(name);
writeSums();

function build(target: string): void {
  const names = targets[target];
  if (!names) fail(`--target ${target}: one of ${Object.keys(targets).join(", ")}, all`);
  const ending = target.startsWith("windows") ? ".exe" : "";
  const file = join(
    out,
    (values.target === undefined ? "hookferry" : `hookferry-${target}`) + ending,
  );
  const entry = writeBuildEntry(target, { target });
  if (tool !== "bun" && names.deno !== undefined) {
    const why = compileWithDeno(entry, names.deno, file);
    if (why === undefined) return report(file, "deno compile");
    if (tool === "deno") fail(`deno compile cannot build ${target} here: ${why}`);
    console.error(`deno compile cannot build here (${why}); building with Bun`);
  } else if (tool === "deno") fail(`deno compile knows no ${target}; --with bun does`);
  const why = compileWithBun(entry, names.bun, file);
  if (why !== undefined) fail(`bun build --compile cannot build ${target}: ${why}`);
  report(file, "bun build --compile");
}

/** Why not; undefined = it is built. */
function compileWithDeno(entry: string, target: string, file: string): string | undefined {
  const { status, stderr } = spawnSync(
    process.execPath,
    ["compile", ...startFlags, "--target", target, "--output", file, entry],
    { cwd: root, encoding: "utf8" },
  );
  if (status === 0) return undefined;
  // The innermost of the causes it lists.
  const causes = [...(stderr.split("Stack backtrace")[0] ?? "").matchAll(/^\s*\d+: (.*)$/gm)];
  return causes.at(-1)?.[1] ?? stderr.trim();
}

function compileWithBun(entry: string, target: string, file: string): string | undefined {
  // The source maps of the parts are in the executable; what Bun writes of them beside it goes.
  const folder = mkdtempSync(join(out, ".compile-"));
  const made = join(folder, basename(file));
  try {
    // No .env and no bunfig.toml of whatever folder it is started in. In parts: a command brings no other one into memory.
    const { status, stderr, stdout } = spawnSync("npx", [
      ...["-y", "bun@1.4.5", "build", "--compile", `--target=${target}`, "--minify", "--bytecode"],
      ...["--format=esm", "--splitting", "--sourcemap", "--no-compile-autoload-dotenv"],
      ...["--no-compile-autoload-bunfig", entry, "--outfile", made],
    ], { cwd: root, encoding: "utf8" });
    if (status !== 0) return `${stderr}${stdout}`.trim();
    renameSync(made, file);
    return undefined;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function report(file: string, by: string): void {
  const { size } = statSync(file);
  console.log(`${file}: ${(size / 1024 / 1024).toFixed(0)} MiB, by ${by}`);
}

/** Of every executable that is there, as `sha256sum -c` reads them. */
function writeSums(): void {
  const files = readdirSync(out).filter((name) => /^hookferry-[\w-]+(\.exe)?$/.test(name)).sort();
  if (files.length === 0) return;
  const sum = (name: string) =>
    createHash("sha256").update(readFileSync(join(out, name))).digest("hex");
  writeFileSync(join(out, "SHA256SUMS"), files.map((name) => `${sum(name)}  ${name}\n`).join(""));
}

function fail(why: string): never {
  console.error(`compile: ${why}`);
  process.exit(1);
}
