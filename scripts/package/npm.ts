/**
 * `deno task npm [--out dist/npm]`: the folder of the npm package, for `npm publish` or `npm pack`: the program in
 * parts, what starts it, and the Deno of each system as an optional dependency.
 */
import { execFileSync } from "node:child_process";
import { chmodSync, cpSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import process from "node:process";
import { parseArgs } from "node:util";
import manifest from "../../package.json" with { type: "json" };
import { writeBuildEntry } from "../build_entry.ts";
import { startFlags } from "../start_flags.ts";

const root = join(import.meta.dirname ?? ".", "..", "..");
const { values } = parseArgs({ options: { out: { type: "string", default: "dist/npm" } } });
const out = resolve(values.out);
const denoVersion = "2.9.6";
const systems = ["linux-x64-glibc", "linux-arm64-glibc", "darwin-x64", "darwin-arm64", "win32-x64"];

mkdirSync(out, { recursive: true });
rmSync(join(out, "parts"), { recursive: true, force: true }); // of a build before
bundle();
cpSync(join(root, "scripts", "package", "npm_launcher.cjs"), join(out, "cli.cjs"));
chmodSync(join(out, "cli.cjs"), 0o755);
cpSync(join(root, "LICENSE"), join(out, "LICENSE"));
writeFileSync(join(out, "deno_flags.json"), JSON.stringify(startFlags));
writeFileSync(join(out, "README.md"), readme());
writeFileSync(join(out, "package.json"), `${JSON.stringify(about(), null, 2)}\n`);
console.log(out);

/** In parts, beside it: those of a command are loaded with it. */
function bundle(): void {
  execFileSync("npx", [
    ...["-y", "bun@1.4.5", "build", writeBuildEntry("npm", {}), "--target=node", "--format=esm"],
    ...["--minify", "--splitting", "--entry-naming=hookferry.mjs"],
    ...["--chunk-naming=parts/[name]-[hash].mjs", `--outdir=${out}`],
  ], { cwd: root, stdio: ["ignore", "ignore", "inherit"], shell: process.platform === "win32" });
}

function about(): Record<string, unknown> {
  return {
    name: manifest.name,
    version: manifest.version,
    description: "Webhooks across a firewall: relay and connector in one program",
    license: manifest.license,
    bin: { hookferry: "cli.cjs" },
    files: ["cli.cjs", "deno_flags.json", "hookferry.mjs", "parts"],
    engines: { node: ">=20" },
    optionalDependencies: Object.fromEntries(
      systems.map((system) => [`@deno/${system}`, denoVersion]),
    ),
  };
}

function readme(): string {
  return `# hookferry

Gets webhooks across a firewall: a connector inside your network dials out to a relay, receives the
webhooks that were posted there, and delivers each to a local HTTP target.

\`\`\`sh
npx hookferry dev --once
npx hookferry help
\`\`\`

It runs on Deno ${denoVersion}, which comes with it for Linux (glibc), macOS and Windows; Node only
starts it.
`;
}
