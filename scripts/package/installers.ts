/**
 * `deno task installers --base URL [--out dist]`: install.sh and install.ps1 that know where the releases are (each
 * in its folder vX.Y.Z below URL) and that this version is meant.
 */
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import process from "node:process";
import { parseArgs } from "node:util";
import manifest from "../../package.json" with { type: "json" };

const { values: { base = "", out } } = parseArgs({
  options: { base: { type: "string" }, out: { type: "string", default: "dist" } },
});
// It stands between quotes in two languages.
if (!URL.canParse(base) || /['"\s$`\\]/.test(base)) {
  console.error(`installers: --base ${JSON.stringify(base)}: use the URL of the releases' folder`);
  process.exit(2);
}
mkdirSync(out, { recursive: true });
for (const name of ["install.sh", "install.ps1"]) {
  const text = readFileSync(join(import.meta.dirname ?? ".", "..", name), "utf8");
  const known = text
    .replace(/^(released_base=|\$releasedBase = )''$/m, (_, set) => `${set}'${base}'`)
    .replace(
      /^(released_version=|\$releasedVersion = )''$/m,
      (_, set) => `${set}'${manifest.version}'`,
    );
  const file = resolve(out, name);
  writeFileSync(file, known);
  chmodSync(file, 0o755);
  console.log(file);
}
