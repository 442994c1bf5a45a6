/**
 * `deno task homebrew --base URL [--sums dist/SHA256SUMS]`: prints the Homebrew formula of this version, whose
 * executables are in the folder URL.
 */
import { readFileSync } from "node:fs";
import process from "node:process";
import { parseArgs } from "node:util";
import manifest from "../../package.json" with { type: "json" };

/** Where the executable of each system of Homebrew is, and what it must be; throws where there is none. */
export function formula(version: string, base: string, sums: string): string {
  const folder = base.replace(/\/$/, "");
  const source = (target: string) => {
    const file = `hookferry-${target}`;
    const sum = new RegExp(`^([0-9a-f]{64}) [ *]${file}$`, "m").exec(sums)?.[1];
    if (sum === undefined) throw new Error(`SHA256SUMS has no ${file}`);
    return `url "${folder}/${file}"\n      sha256 "${sum}"`;
  };
  return `class Hookferry < Formula
  desc "Webhooks across a firewall: relay and connector in one program"
  homepage "${homepage(folder)}"
  version "${version}"
  license "Apache-2.0"

  on_macos do
    on_arm do
      ${source("macos-arm64")}
    end
    on_intel do
      ${source("macos-x64")}
    end
  end

  on_linux do
    on_arm do
      ${source("linux-arm64")}
    end
    on_intel do
      ${source("linux-x64")}
    end
  end

  def install
    bin.install Dir["hookferry-*"].first => "hookferry"
    chmod 0755, bin/"hookferry"
    generate_completions_from_executable(bin/"hookferry", "completions")
    (man1/"hookferry.1").write Utils.safe_popen_read(bin/"hookferry", "man")
  end

  service do
    run [opt_bin/"hookferry", "connect", "--output", "quiet"]
    keep_alive true
    error_log_path var/"log/hookferry.log"
  end

  test do
    assert_match '"outcome":"delivered"', shell_output("#{bin}/hookferry dev --once")
  end
end
`;
}

/** The repository, of a release of GitHub; else where the executables are. */
function homepage(folder: string): string {
  return folder.replace(/\/releases\/download\/.*$/, "");
}

if (import.meta.main) {
  const { values: { base = "", sums } } = parseArgs({
    options: { base: { type: "string" }, sums: { type: "string", default: "dist/SHA256SUMS" } },
  });
  if (!URL.canParse(base)) {
    console.error(
      `homebrew: --base ${JSON.stringify(base)}: use the URL of the executables' folder`,
    );
    process.exit(2);
  }
  process.stdout.write(formula(manifest.version, base, readFileSync(sums, "utf8")));
}
