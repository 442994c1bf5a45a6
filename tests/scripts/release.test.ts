import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { formula } from "../../scripts/package/homebrew.ts";
import { bill, type Lock } from "../../scripts/package/sbom.ts";
import { nextVersion, notesOf, released } from "../../scripts/release.ts";
import { run } from "../support/shell.ts";
import { test } from "../support/test.ts";

const root = join(import.meta.dirname ?? ".", "..", "..");
const changelog = `# Changelog

## [Unreleased]

### Added

- A second thing.

## [0.1.0] - 2026-01-02

- The first.
`;

test("the next version is the one named, or the next of its kind, never an earlier one", () => {
  assert.equal(nextVersion("0.1.0", "patch"), "0.1.1");
  assert.equal(nextVersion("0.1.9", "minor"), "0.2.0");
  assert.equal(nextVersion("1.9.9", "major"), "2.0.0");
  assert.equal(nextVersion("0.9.0", "0.10.0"), "0.10.0");
  assert.equal(nextVersion("1.0.0-rc.1", "1.0.0"), "1.0.0");
  for (const wanted of ["0.1.0", "0.0.9", "0.1.0-rc.1"]) {
    assert.throws(() => nextVersion("0.1.0", wanted), /does not come after 0\.1\.0/);
  }
  assert.throws(
    () => nextVersion("0.1.0", "v1"),
    /"v1": use major, minor, patch or one like 1\.2\.3/,
  );
});

test("what was unreleased gets version and date; nothing unreleased is no release", () => {
  const text = released(changelog, "0.2.0", "2026-03-04");
  assert.equal(notesOf(text, "0.2.0"), "### Added\n\n- A second thing.");
  assert.equal(notesOf(text, "0.1.0"), "- The first.");
  assert.equal(notesOf(text, "Unreleased"), "");
  assert.match(text, /^## \[0\.2\.0\] - 2026-03-04$/m);
  assert.throws(() => released(text, "0.3.0", "2026-03-05"), /nothing unreleased/);
  assert.throws(() => notesOf(text, "0.3.0"), /no version 0\.3\.0/);
});

test("a release is a commit and a tag; a dirty tree and a dry run are none", async (t) => {
  const folder = t.folder();
  const home = {
    ...{ HOME: t.folder(), GIT_AUTHOR_NAME: "octo", GIT_AUTHOR_EMAIL: "octo@example.org" },
    ...{ GIT_COMMITTER_NAME: "octo", GIT_COMMITTER_EMAIL: "octo@example.org" },
  };
  const sh = (command: string) => run(["sh", "-c", `cd '${folder}' && ${command}`], home);
  const deno = "Deno" in globalThis ? "run --allow-all --no-config" : "";
  const release = (args: string) =>
    sh(`'${process.execPath}' ${deno} '${join(root, "scripts", "release.ts")}' ${args}`);
  writeFileSync(join(folder, "CHANGELOG.md"), changelog);
  writeFileSync(join(folder, "package.json"), '{\n  "name": "x",\n  "version": "0.1.0"\n}\n');
  const begun = await sh("git init -q && git add . && git commit -qm one");
  assert.equal(begun.code, 0, begun.stderr);

  const dry = await release("minor --dry-run");
  assert.equal(dry.code, 0, dry.stderr);
  assert.match(dry.stdout, /^0\.1\.0 -> 0\.2\.0\n\n### Added/);
  assert.equal((await sh("git status --porcelain; git tag")).stdout, "");

  writeFileSync(join(folder, "other"), "");
  const dirty = await release("minor");
  assert.equal(dirty.code, 1);
  assert.match(dirty.stderr, /^release: there are changes that are not committed/);

  await sh("rm other");
  const done = await release("minor");
  assert.equal(done.code, 0, done.stderr);
  assert.equal((await sh("git status --porcelain; git describe")).stdout, "v0.2.0\n");
  assert.equal((await sh("git log -1 --format=%s")).stdout, "Release 0.2.0\n");
  assert.equal(JSON.parse(readFileSync(join(folder, "package.json"), "utf8")).version, "0.2.0");
  assert.equal((await release("notes 0.2.0")).stdout, "### Added\n\n- A second thing.\n");
});

test("the bill of materials has every package that is reached, with checksum, and no other", () => {
  const integrity = "sha512-AAAA";
  const lock: Lock = {
    specifiers: { "npm:@a/one@1.0.0": "1.0.0_peer@2.0.0", "npm:tool@3.0.0": "3.0.0" },
    npm: {
      "@a/one@1.0.0_peer@2.0.0": { integrity, dependencies: ["peer", "two@1.0.0"] },
      "peer@2.0.0": { integrity },
      "two@1.0.0": { integrity, dependencies: ["peer"] },
      "two@2.0.0": { integrity },
      "tool@3.0.0": { integrity, dependencies: ["two@2.0.0"] },
    },
  };
  const own = { name: "x", version: "0.1.0", dependencies: { "@a/one": "1.0.0" } };
  const { components, dependencies } = bill(own, lock);
  assert.deepEqual(components.map(({ purl }) => purl), [
    "pkg:npm/%40a/one@1.0.0",
    "pkg:npm/peer@2.0.0",
    "pkg:npm/two@1.0.0",
  ]);
  assert.deepEqual(components[0]?.hashes, [{ alg: "SHA-512", content: "000000" }]);
  assert.deepEqual(dependencies[0], {
    ref: "pkg:npm/x@0.1.0",
    dependsOn: ["pkg:npm/%40a/one@1.0.0"],
  });
  assert.throws(
    () => bill({ ...own, dependencies: { gone: "1.0.0" } }, lock),
    /0 entries for "gone@/,
  );
});

test("the bill of this program names every dependency it has", async () => {
  const { default: manifest } = await import("../../package.json", { with: { type: "json" } });
  const lock = JSON.parse(readFileSync(join(root, "deno.lock"), "utf8")) as Lock;
  const names = bill(manifest, lock).components.map(({ name }) => name);
  for (const name of Object.keys(manifest.dependencies)) assert.ok(names.includes(name), name);
  for (const name of Object.keys(manifest.devDependencies)) assert.ok(!names.includes(name), name);
});

test("the formula has the executable of each system with its sum; a release that lacks one has none", () => {
  const targets = ["linux-arm64", "linux-x64", "macos-arm64", "macos-x64"];
  const sums = targets.map((name, i) => `${String(i).repeat(64)}  hookferry-${name}\n`).join("");
  const base = "https://github.com/octo/ferry/releases/download/v0.2.0/";
  const text = formula("0.2.0", base, sums);
  for (const [i, name] of targets.entries()) {
    const url = `url "${base}hookferry-${name}"\n      sha256 "${String(i).repeat(64)}"`;
    assert.ok(text.includes(url), name);
  }
  assert.match(text, /homepage "https:\/\/github\.com\/octo\/ferry"/);
  assert.throws(
    () => formula("0.2.0", base, sums.replace("macos-x64", "x")),
    /no hookferry-macos-x64/,
  );
});
