import assert from "node:assert/strict";
import {
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
} from "node:fs";
import { symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import process from "node:process";
import { withCleanup } from "../support/cleanup.ts";
import { executable, serveRelease, sums } from "../support/release.ts";
import { missing, notRoot, run } from "../support/shell.ts";
import { test, type TestContext, testUnless } from "../support/test.ts";

const script = join(import.meta.dirname ?? ".", "..", "..", "scripts", "install.sh");
const target = "linux-x64";
const file = `hookferry-${target}`;
const good = { [file]: executable(), SHA256SUMS: sums({ [file]: executable() }) };

interface Given {
  readonly base?: string;
  readonly dir: string;
  readonly args?: readonly string[];
  readonly shell?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/** Runs the script with a folder to install into; the shell that is `sh` here by default. */
function install({ base, dir, args = [], shell = ["sh"], env = {} }: Given) {
  const settings = base === undefined ? {} : { HOOKFERRY_BASE_URL: base };
  return run([...shell, script, "--target", target, "--dir", dir, ...args], {
    ...settings,
    ...env,
  });
}

/** All that is in a folder, hidden or not; none where there is none. */
const content = (dir: string) => existsSync(dir) ? readdirSync(dir) : [];

const shells = [["dash"], ["bash", "--posix"], ["busybox", "sh"]];
for (const shell of shells) {
  const name = `${
    shell.join(" ")
  }: what a release says it holds is put in place, and nothing else is left`;
  testUnless(missing(shell[0] ?? ""), name, async (t) => {
    const { url, asked } = await serveRelease(t, good);
    const dir = join(t.folder(), "new", "bin");
    const { code, stdout, stderr } = await install({ base: url, dir, shell });
    assert.equal(code, 0, stderr);
    assert.match(stdout, new RegExp(`^installed ${dir}/hookferry: hookferry 0.1.0 \\(a script\\)`));
    assert.match(stdout, /is not in PATH/);
    assert.deepEqual(content(dir), ["hookferry"]);
    assert.equal(readFileSync(join(dir, "hookferry"), "utf8"), executable());
    assert.equal((await run([join(dir, "hookferry"), "version"])).code, 0);
    assert.deepEqual(asked, ["SHA256SUMS", file]);
  });
}

interface Failure {
  readonly name: string;
  readonly files: Readonly<Record<string, string | number>>;
  readonly args?: readonly string[];
  readonly says: RegExp;
}
const failures: readonly Failure[] = [
  {
    name: "a file that is not what its sum says",
    files: { ...good, [file]: executable() + "# one more line\n" },
    says:
      /is not what its release says, nothing was installed\n +SHA-256 in SHA256SUMS +[0-9a-f]{64}\n +SHA-256 of the file +[0-9a-f]{64}/,
  },
  { name: "no sums", files: { [file]: executable() }, says: /SHA256SUMS is not there.*404/ },
  {
    name: "no file",
    files: { SHA256SUMS: good.SHA256SUMS ?? "" },
    says: /hookferry-linux-x64 is not there.*404/,
  },
  {
    name: "a server that refuses",
    files: { SHA256SUMS: 403 },
    says: /SHA256SUMS was refused.*403/,
  },
  {
    name: "a connection that ends in its midst",
    files: { ...good, [file]: "cut" },
    says: /hookferry-linux-x64 cannot be downloaded whole/,
  },
  {
    name: "a release for other machines",
    files: { SHA256SUMS: sums({ "hookferry-macos-arm64": "", "hookferry-linux-arm64": "" }) },
    says: /has no hookferry-linux-x64; it has: macos-arm64 linux-arm64$/m,
  },
  {
    name: "an executable that does not run",
    files: { [file]: "#!/bin/sh\necho no such loader >&2; exit 127\n", SHA256SUMS: "" },
    says: /hookferry-linux-x64 does not run here, nothing was installed: no such loader/,
  },
  {
    name: "another version than was asked for",
    files: { [`v0.2.0/${file}`]: executable(), "v0.2.0/SHA256SUMS": good.SHA256SUMS ?? "" },
    args: ["--version", "0.2.0"],
    says: /says it is "hookferry 0.1.0 \(a script\)", nothing was installed/,
  },
];
for (const { name, files, args, says } of failures) {
  test(`${name}: the one that is there stays, the exit code is 1, the reason is told`, async (t) => {
    const own = files[file];
    const { url } = await serveRelease(t, {
      ...files,
      ...(files["SHA256SUMS"] === "" ? { SHA256SUMS: sums({ [file]: String(own) }) } : {}),
    });
    const dir = t.folder();
    writeFileSync(join(dir, "hookferry"), "the old one");
    const { code, stdout, stderr } = await install({ base: url, dir, ...(args ? { args } : {}) });
    assert.equal(code, 1, stdout);
    assert.match(stderr, says);
    assert.deepEqual(content(dir), ["hookferry"]);
    assert.equal(readFileSync(join(dir, "hookferry"), "utf8"), "the old one");
  });
}

test("a failure leaves no folder that was not there", async (t) => {
  const { url } = await serveRelease(t, {});
  const dir = join(t.folder(), "bin");
  assert.equal((await install({ base: url, dir })).code, 1);
  assert.equal(existsSync(dir), false);
});

test("offline is told as such", async (t) => {
  const dir = t.folder();
  const { code, stderr } = await install({ base: await closedAddress(), dir });
  assert.equal(code, 1);
  assert.match(stderr, /SHA256SUMS cannot be reached \(offline\?\), nothing was installed: curl:/);
  assert.deepEqual(content(dir), []);
});

test("a version is looked for in its folder; --service and --uninstall do both", async (t) => {
  const { url, asked } = await serveRelease(t, {
    [`v0.2.0/${file}`]: executable("0.2.0"),
    "v0.2.0/SHA256SUMS": sums({ [file]: executable("0.2.0") }),
  });
  const dir = t.folder();
  const args = ["--version", "v0.2.0", "--service"];
  const first = await install({ base: `${url}/`, dir, args });
  assert.equal(first.code, 0, first.stderr);
  assert.match(first.stdout, /installed .*: hookferry 0\.2\.0/);
  assert.match(first.stdout, /^service install$/m);
  assert.deepEqual(asked, ["v0.2.0/SHA256SUMS", `v0.2.0/${file}`]);
  const dry = await install({ dir, args: ["--uninstall", "--service", "--dry-run"] });
  assert.equal(
    dry.stdout,
    `would run ${dir}/hookferry service uninstall\nwould remove ${dir}/hookferry\n`,
  );
  const gone = await install({ dir, args: ["--uninstall", "--service"] });
  assert.equal(gone.stdout, `service uninstall\nremoved ${dir}/hookferry\n`, gone.stderr);
  assert.deepEqual(content(dir), []);
  const again = await install({ dir, args: ["--uninstall"] });
  assert.equal(again.code, 1);
  assert.match(again.stderr, /there is no .*hookferry/);
});

test("a dry run asks nothing of anybody and makes nothing", async (t) => {
  const { url, asked } = await serveRelease(t, good);
  const dir = join(t.folder(), "bin");
  const { code, stdout } = await install({ base: url, dir, args: ["--dry-run", "--service"] });
  assert.equal(code, 0);
  assert.equal(
    stdout,
    `would download ${url}/SHA256SUMS and ${url}/${file}
would put ${dir}/hookferry in place when the sum is right and it runs
would run ${dir}/hookferry service install
`,
  );
  assert.deepEqual(asked, []);
  assert.equal(existsSync(dir), false);
});

test("a script that was cut short does nothing", async (t) => {
  const { url, asked } = await serveRelease(t, good);
  const dir = join(t.folder(), "bin");
  const lines = readFileSync(script, "utf8").trimEnd().split("\n");
  const env = { HOOKFERRY_BASE_URL: url };
  for (let n = 1; n < lines.length; n++) {
    const half = lines.slice(0, n).join("\n");
    const { stdout } = await run(["sh", "-s", "--", "--target", target, "--dir", dir], env, half);
    assert.equal(stdout, "", `${n} lines`);
  }
  assert.deepEqual(asked, []);
  const whole = await run(
    ["sh", "-s", "--", "--target", target, "--dir", dir],
    env,
    lines.join("\n"),
  );
  assert.equal(whole.code, 0, whole.stderr);
});

const misuses: readonly (readonly [readonly string[], RegExp])[] = [
  [["--dirr", "/tmp"], /--dirr is not known/],
  [["--version"], /--version wants a value/],
  [["--version", "../evil"], /--version \.\.\/evil: use one like 0\.1\.0/],
  [["--target", "a/b"], /--target a\/b: use one like linux-x64/],
  [[], /set HOOKFERRY_BASE_URL to the folder that holds the release/],
];
test("what cannot be understood ends with 2 and says what can", async (t) => {
  const dir = t.folder();
  for (const [args, says] of misuses) {
    const { code, stderr } = await install({ dir, args });
    assert.equal(code, 2, args.join(" "));
    assert.match(stderr, says);
  }
  const plain = await install({ base: "http://relay.example/releases", dir });
  assert.equal(plain.code, 2);
  assert.match(plain.stderr, /is plain http: use https, or --allow-insecure/);
  const other = await install({ base: "ftp://relay.example", dir });
  assert.match(other.stderr, /use a URL with https: or file:/);
});

for (const [only, without] of [["wget", "curl"], ["openssl", "sha256sum"]] as const) {
  const name = `${only} does where there is no ${without}`;
  testUnless(missing(only), name, async (t) => {
    const tools = t.folder();
    const needed = "sh id mkdir mktemp sed cut tr rm rmdir mv chmod uname cat";
    const others = only === "wget" ? "sha256sum" : "curl";
    for (const tool of [...needed.split(" "), only, others]) {
      const { stdout } = await run(["sh", "-c", `command -v ${tool}`]);
      symlinkSync(stdout.trim(), join(tools, tool));
    }
    const dir = t.folder();
    const { url } = await serveRelease(t, good);
    const { code, stderr } = await install({ base: url, dir, env: { PATH: tools } });
    assert.equal(code, 0, stderr);
    assert.deepEqual(content(dir), ["hookferry"]);
    const bad = await serveRelease(t, { ...good, [file]: "#!/bin/sh\n" });
    const refused = await install({ base: bad.url, dir, env: { PATH: tools } });
    assert.match(refused.stderr, /is not what its release says/);
    const none = await serveRelease(t, {});
    assert.equal((await install({ base: none.url, dir, env: { PATH: tools } })).code, 1);
  });
}

const namespaced = missing("unshare") ?? notRoot;
/** In a file system of its own at the folder, mounted with these options. */
const mounted = (dir: string, options: string) => [
  ...["unshare", "-m", "sh", "-c"],
  `mount -t tmpfs -o ${options} none '${dir}' && exec sh "$0" "$@"`,
];
const asRoot: readonly (readonly [string, string, RegExp])[] = [
  [
    "no space left",
    "size=64k",
    /cannot be written to .* \(no space left\?\), nothing was installed/,
  ],
  [
    "a folder that is read-only even for root",
    "ro",
    /cannot write to .*: choose another with --dir/,
  ],
];
for (const [name, options, says] of asRoot) {
  testUnless(namespaced, `${name}: told as such`, async (t) => {
    const big = executable() + "#".repeat(1_000_000);
    const { url } = await serveRelease(t, { [file]: big, SHA256SUMS: sums({ [file]: big }) });
    const dir = t.folder();
    const { code, stderr } = await install({ base: url, dir, shell: mounted(dir, options) });
    assert.equal(code, 1);
    assert.match(stderr, says);
  });
}

const nobody = 65_534;
const asNobody = missing("setpriv") ?? notRoot;
const notAsRoot = "who is not root installs below the home, and hears what cannot be written to";
testUnless(asNobody, notAsRoot, async (t) => {
  const { url } = await serveRelease(t, good);
  const home = openTo(nobody, t);
  const env = { HOOKFERRY_BASE_URL: url, HOME: home };
  const as = [
    "setpriv",
    `--reuid=${nobody}`,
    `--regid=${nobody}`,
    "--clear-groups",
    "sh",
    "-s",
    "--",
  ];
  const text = readFileSync(script, "utf8");
  const done = await run([...as, "--target", target], env, text);
  assert.equal(done.code, 0, done.stderr);
  assert.deepEqual(content(join(home, ".local", "bin")), ["hookferry"]);
  const readOnly = t.folder();
  chmodSync(readOnly, 0o755);
  const refused = await run([...as, "--target", target, "--dir", readOnly], env, text);
  assert.equal(refused.code, 1);
  assert.match(refused.stderr, /cannot write to .*: choose another with --dir, or be root/);
  const below = await run([...as, "--target", target, "--dir", `${readOnly}/bin`], env, text);
  assert.match(below.stderr, /cannot make the folder/);
  writeFileSync(join(readOnly, "hookferry"), "");
  const stays = await run([...as, "--uninstall", "--dir", readOnly], env, text);
  assert.equal(stays.code, 1);
  assert.match(stays.stderr, /cannot remove .*: its folder cannot be written to/);
});

test("the script that lies beside a release knows where it is and which version is meant", async (t) => {
  const { default: { version } } = await import("../../package.json", { with: { type: "json" } });
  const about = executable(version);
  const { url, asked } = await serveRelease(t, {
    [`v${version}/${file}`]: about,
    [`v${version}/SHA256SUMS`]: sums({ [file]: about }),
  });
  const out = t.folder();
  const maker = join(dirname(script), "package", "installers.ts");
  const deno = "Deno" in globalThis ? ["run", "--allow-all"] : [];
  const home = { HOME: process.env["HOME"] ?? "" };
  const made = await run([process.execPath, ...deno, maker, "--base", url, "--out", out], home);
  assert.equal(made.code, 0, made.stderr);
  const own = join(out, "install.sh");
  const dir = t.folder();
  const { code, stderr } = await run(["sh", own, "--target", target, "--dir", dir]);
  assert.equal(code, 0, stderr);
  assert.deepEqual(asked, [`v${version}/SHA256SUMS`, `v${version}/${file}`]);
  const twin = readFileSync(join(out, "install.ps1"), "utf8");
  assert.ok(twin.includes(`$releasedBase = '${url}'\n$releasedVersion = '${version}'\n`));
  const bad = await run([
    process.execPath,
    ...deno,
    maker,
    "--base",
    "https://x.example/'",
    "--out",
    out,
  ], home);
  assert.equal(bad.code, 2);
});

test("root installs for all, others for themselves, when no folder is named", async () => {
  const env = { HOOKFERRY_BASE_URL: "https://relay.example/releases", HOME: "/home/octo" };
  const { stdout } = await run(["sh", script, "--dry-run", "--target", target], env);
  const folder = notRoot === undefined ? "/usr/local/bin" : "/home/octo/.local/bin";
  assert.match(stdout, new RegExp(`would put ${folder}/hookferry in place`));
});

const machines: readonly (readonly [string, string, string])[] = [
  ["Linux", "x86_64", "linux-x64"],
  ["Darwin", "arm64", "macos-arm64"],
  ["Darwin", "x86_64", "macos-x64"],
];
test("system and processor choose the executable; one there is none for is told", async (t) => {
  const tools = t.folder();
  const uname = join(tools, "uname");
  const env = {
    PATH: `${tools}:${process.env["PATH"]}`,
    HOOKFERRY_BASE_URL: "https://relay.example/releases",
  };
  const detect = (system: string, machine: string) => {
    writeFileSync(uname, `#!/bin/sh\n[ "$1" = -s ] && echo ${system} || echo ${machine}\n`);
    chmodSync(uname, 0o755);
    return run(["sh", script, "--dry-run", "--dir", tools], env);
  };
  for (const [system, machine, name] of machines) {
    assert.match((await detect(system, machine)).stdout, new RegExp(`/hookferry-${name}$`, "m"));
  }
  assert.match((await detect("Linux", "riscv64")).stderr, /no executable for a processor riscv64/);
  assert.match((await detect("FreeBSD", "amd64")).stderr, /no executable for the system FreeBSD/);
  assert.match((await detect("MINGW64_NT-10.0", "x86_64")).stderr, /on Windows use install\.ps1/);
});

const chroot = "/usr/sbin/chroot";
testUnless(
  missing("busybox") ?? notRoot,
  "the loader that is there tells glibc from musl; where there is none the libc is to be named",
  async (t) => {
    const { stdout: busybox } = await run(["sh", "-c", "command -v busybox"]);
    const root = t.folder();
    mkdirSync(join(root, "lib"));
    cpSync(busybox.trim(), join(root, "busybox"));
    cpSync(script, join(root, "install.sh"));
    const detect = () =>
      run([chroot, root, "/busybox", "sh", "/install.sh", "--dry-run", "--dir", "/bin"], {
        HOOKFERRY_BASE_URL: "https://relay.example/releases",
      });
    assert.match((await detect()).stderr, /loader of neither glibc nor musl.* with --target/);
    writeFileSync(join(root, "lib", "ld-musl-x86_64.so.1"), "");
    assert.match((await detect()).stdout, /\/hookferry-linux-(x64|arm64)-musl$/m);
    writeFileSync(join(root, "lib", "ld-linux-aarch64.so.1"), "");
    assert.match((await detect()).stdout, /\/hookferry-linux-(x64|arm64)$/m);
  },
);

testUnless(missing("shellcheck"), "shellcheck has nothing to say about the script", async () => {
  const { code, stdout } = await run(["shellcheck", "--shell=sh", script]);
  assert.equal(code, 0, stdout);
});

/** A folder that belongs to another user. */
function openTo(user: number, t: TestContext): string {
  const folder = t.folder();
  mkdirSync(folder, { recursive: true });
  chownSync(folder, user, user);
  return folder;
}

/** An address on this machine where nobody listens. */
async function closedAddress(): Promise<string> {
  const { url } = await withCleanup((t) => serveRelease(t, {}));
  return url;
}
