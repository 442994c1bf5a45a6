/**
 * `deno task compile`: one executable, dist/hookferry. By `deno compile` with the permissions the program needs;
 * where its base binary cannot be downloaded, says so and builds the same program with Bun.
 */
import { spawnSync } from "node:child_process";
import { mkdirSync, statSync } from "node:fs";
import process from "node:process";

const output = "dist/hookferry";
const permissions = [
  ...["--allow-net", "--allow-env", "--allow-read", "--allow-write", "--allow-sys"],
  "--allow-run=systemd-notify",
];

mkdirSync("dist", { recursive: true });
const deno = spawnSync(
  process.execPath,
  ["compile", "--quiet", ...permissions, "--output", output, "main.ts"],
  { encoding: "utf8" },
);
if (deno.status === 0) {
  report("deno compile");
} else {
  // The innermost of the causes it lists.
  const why =
    [...(deno.stderr.split("Stack backtrace")[0] ?? "").matchAll(/^\s*\d+: (.*)$/gm)].at(-1)?.[1] ??
      deno.stderr.trim();
  console.error(`deno compile cannot build here (${why}); building with Bun`);
  // No .env and no bunfig.toml of whatever folder it is started in.
  const bun = spawnSync("npx", [
    ...["-y", "bun@1.4.5", "build", "--compile", "--minify", "--bytecode", "--format=esm"],
    ...["--sourcemap", "--no-compile-autoload-dotenv", "--no-compile-autoload-bunfig"],
    ...["main.ts", "--outfile", output],
  ], { stdio: ["ignore", "ignore", "inherit"] });
  process.exitCode = bun.status ?? 1;
  if (bun.status === 0) report("bun build --compile");
}

function report(by: string): void {
  const { size } = statSync(output);
  console.log(`${output}: ${(size / 1024 / 1024).toFixed(0)} MiB, by ${by}`);
}
