/**
 * `deno task release X.Y.Z|major|minor|patch [--dry-run]`: writes the version into package.json, gives what
 * CHANGELOG.md has as unreleased that version and today's date, commits both, and tags the commit. Pushes nothing.
 * `deno task release notes X.Y.Z` prints the changelog of a version.
 */
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import process from "node:process";
import { parseArgs } from "node:util";

/** What stops a release, as it is told. */
export class ReleaseError extends Error {
  override readonly name = "ReleaseError";
}

const versionPattern = /^(\d+)\.(\d+)\.(\d+)(?:-([0-9A-Za-z.-]+))?$/;

/** The version meant by `major`, `minor`, `patch` or by a version later than the present one. */
export function nextVersion(present: string, wanted: string): string {
  const [major = 0, minor = 0, patch = 0] = numbers(present);
  switch (wanted) {
    case "major":
      return `${major + 1}.0.0`;
    case "minor":
      return `${major}.${minor + 1}.0`;
    case "patch":
      return `${major}.${minor}.${patch + 1}`;
  }
  if (!versionPattern.test(wanted)) {
    throw new ReleaseError(
      `version ${JSON.stringify(wanted)}: use major, minor, patch or one like 1.2.3`,
    );
  }
  if (!isLater(wanted, present)) {
    throw new ReleaseError(`version ${wanted} does not come after ${present}`);
  }
  return wanted;
}

function numbers(version: string): number[] {
  return (versionPattern.exec(version) ?? []).slice(1, 4).map(Number);
}

/** A pre-release comes before its version; two of one version are not told apart but by being different. */
function isLater(one: string, other: string): boolean {
  const [a, b] = [numbers(one), numbers(other)];
  for (const [i, number] of a.entries()) {
    if (number !== b[i]) return number > (b[i] ?? 0);
  }
  return other.includes("-") && one !== other;
}

const unreleased = "## [Unreleased]";

/** The changelog with what is unreleased under this version. Throws when there is nothing. */
export function released(changelog: string, version: string, date: string): string {
  if (notesOf(changelog, "Unreleased") === "") {
    throw new ReleaseError("CHANGELOG.md has nothing unreleased");
  }
  return changelog.replace(unreleased, `${unreleased}\n\n## [${version}] - ${date}`);
}

/** What stands under a version, without its heading. Throws when the version is not there. */
export function notesOf(changelog: string, version: string): string {
  const sections = changelog.split(/^(?=## \[)/m);
  const section = sections.find((text) => text.startsWith(`## [${version}]`));
  if (section === undefined) throw new ReleaseError(`CHANGELOG.md has no version ${version}`);
  return section.split("\n").slice(1).join("\n").trim();
}

function main(): void {
  const { values, positionals: [wanted = "", named = ""] } = parseArgs({
    allowPositionals: true,
    options: { "dry-run": { type: "boolean", default: false } },
  });
  const changelog = readFileSync("CHANGELOG.md", "utf8");
  if (wanted === "notes") return console.log(notesOf(changelog, named));
  const manifest = readFileSync("package.json", "utf8");
  const present = (JSON.parse(manifest) as { version: string }).version;
  const version = nextVersion(present, wanted);
  const text = released(changelog, version, new Date().toISOString().slice(0, 10));
  if (git("status", "--porcelain") !== "") {
    throw new ReleaseError("there are changes that are not committed");
  }
  if (git("tag", "--list", `v${version}`) !== "") {
    throw new ReleaseError(`there is a tag v${version}`);
  }
  console.log(`${present} -> ${version}\n\n${notesOf(text, version)}`);
  if (values["dry-run"]) return;
  writeFileSync("CHANGELOG.md", text);
  writeFileSync("package.json", manifest.replace(`"${present}"`, `"${version}"`));
  git("commit", "--quiet", "--message", `Release ${version}`, "CHANGELOG.md", "package.json");
  git("tag", "--annotate", `v${version}`, "--message", `hookferry ${version}`);
  console.log(`\ntagged v${version}; git push --follow-tags makes the draft of the release`);
}

function git(...args: string[]): string {
  return execFileSync("git", args, { encoding: "utf8" }).trim();
}

if (import.meta.main) {
  try {
    main();
  } catch (error) {
    if (!(error instanceof ReleaseError)) throw error;
    console.error(`release: ${error.message}`);
    process.exitCode = 1;
  }
}
