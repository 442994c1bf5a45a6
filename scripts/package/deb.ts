/**
 * `deno task deb --maintainer "NAME <MAIL>" [--file dist/hookferry] [--arch amd64|arm64] [--compression xz|gzip]`:
 * a Debian package of an executable for glibc, by dpkg-deb; with manual page and completions. Prints its path.
 */
import { execFileSync } from "node:child_process";
import { chmodSync, cpSync, mkdirSync, mkdtempSync, rmSync, statSync } from "node:fs";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import process from "node:process";
import { parseArgs } from "node:util";
import { gzipSync } from "node:zlib";
import manifest from "../../package.json" with { type: "json" };

const root = join(import.meta.dirname ?? ".", "..", "..");
const { values } = parseArgs({
  options: {
    maintainer: { type: "string" },
    file: { type: "string", default: join(root, "dist", "hookferry") },
    arch: { type: "string", default: process.arch === "arm64" ? "arm64" : "amd64" },
    compression: { type: "string", default: "xz" },
    out: { type: "string", default: join(root, "dist") },
  },
});
const { maintainer, file, arch, compression, out } = values;
if (!/^.+ <\S+@\S+>$/.test(maintainer ?? "")) {
  fail(`--maintainer ${JSON.stringify(maintainer ?? "")}: use "NAME <MAIL>"`);
}
if (!["amd64", "arm64"].includes(arch)) fail(`--arch ${arch}: amd64 or arm64`);

// Debian's sign for what comes before a version: 0.2.0-rc.1 is before 0.2.0.
const version = `${manifest.version.replace("-", "~")}-1`;
const about = "webhooks across a firewall";
const tree = mkdtempSync(join(tmpdir(), "deb-"));
chmodSync(tree, 0o755);

function build(): void {
  cpSync(file, place("usr/bin/hookferry"));
  chmodSync(join(tree, "usr/bin/hookferry"), 0o755);
  write("usr/share/man/man1/hookferry.1.gz", zipped(program("man")));
  const completions = {
    bash: "bash-completion/completions/hookferry",
    zsh: "zsh/vendor-completions/_hookferry",
    fish: "fish/vendor_completions.d/hookferry.fish",
  };
  for (const [shell, path] of Object.entries(completions)) {
    write(`usr/share/${path}`, program("completions", shell));
  }
  const doc = "usr/share/doc/hookferry";
  write(`${doc}/copyright`, copyright());
  write(`${doc}/changelog.gz`, zipped(readFileSync(join(root, "CHANGELOG.md"), "utf8")));
  write(`${doc}/changelog.Debian.gz`, zipped(debianChangelog()));
  write("usr/share/lintian/overrides/hookferry", overrides);
  write("DEBIAN/control", control());
  write("DEBIAN/md5sums", md5sums());
  const built = join(out, `hookferry_${version}_${arch}.deb`);
  mkdirSync(out, { recursive: true });
  execFileSync("dpkg-deb", ["--root-owner-group", `-Z${compression}`, "--build", tree, built], {
    stdio: ["ignore", "ignore", "inherit"],
  });
  console.log(built);
}

function control(): string {
  const kib = Math.ceil(
    files().reduce((sum, path) => sum + statSync(join(tree, path)).size, 0) / 1_024,
  );
  return `Package: hookferry
Version: ${version}
Architecture: ${arch}
Maintainer: ${maintainer}
Installed-Size: ${kib}
Depends: libc6 (>= 2.28)
Section: net
Priority: optional
Description: ${about}
 A connector inside a network dials out to a relay, receives the webhooks that
 were posted there, and delivers each to a local HTTP target. It retries,
 recognises redeliveries, and acknowledges only what was delivered. The same
 program runs the relay.
`;
}

function copyright(): string {
  return `Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
Upstream-Name: hookferry

Files: *
Copyright: ${commitTime("%ad").slice(0, 4)} the authors of hookferry
License: Apache-2.0
 On Debian systems, the full text of the Apache License, Version 2.0 is in
 /usr/share/common-licenses/Apache-2.0.
`;
}

/** Of the commit, so that one commit makes one package. */
function commitTime(format: string): string {
  return execFileSync("git", ["log", "-1", "--date=short", `--format=${format}`], {
    cwd: root,
    encoding: "utf8",
  }).trim();
}

function debianChangelog(): string {
  return `hookferry (${version}) unstable; urgency=medium

  * What is new: /usr/share/doc/hookferry/changelog.gz

 -- ${maintainer}  ${commitTime("%cD").replace(/, (\d) /, ", 0$1 ")}
`;
}

const overrides = `# The JavaScript is appended to the runtime: strip would cut it off.
hookferry: unstripped-binary-or-object [usr/bin/hookferry]
# The runtime is one file by design, its libraries inside.
hookferry: embedded-library
# As the runtime is published.
hookferry: hardening-no-pie [usr/bin/hookferry]
hookferry: hardening-no-relro [usr/bin/hookferry]
# Not part of Debian: there is no report to close.
hookferry: initial-upload-closes-no-bugs
`;

/** All files but those of dpkg, below the tree. */
function files(): string[] {
  return readdirSync(tree, { recursive: true, encoding: "utf8" })
    .filter((path) => !path.startsWith("DEBIAN") && statSync(join(tree, path)).isFile()).sort();
}

function md5sums(): string {
  return execFileSync("md5sum", files(), { cwd: tree, encoding: "utf8" });
}

/** What the program prints. */
function program(...args: string[]): string {
  const run = "Deno" in globalThis ? ["run", "--allow-all"] : [];
  return execFileSync(process.execPath, [...run, "main.ts", ...args], {
    cwd: root,
    encoding: "utf8",
  });
}

function zipped(text: string): Uint8Array {
  return gzipSync(text, { level: 9 });
}

function place(path: string): string {
  const full = join(tree, path);
  mkdirSync(dirname(full), { recursive: true });
  return full;
}

function write(path: string, content: string | Uint8Array): void {
  writeFileSync(place(path), content);
  chmodSync(join(tree, path), 0o644);
}

function fail(why: string): never {
  console.error(`deb: ${why}`);
  process.exit(2);
}

try {
  build();
} finally {
  rmSync(tree, { recursive: true });
}
