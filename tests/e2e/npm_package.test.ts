/** The npm package, as npm installs it. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { parseConnectString } from "../../src/cli/connect_string.ts";
import { startTarget } from "../support/rig.ts";
import { missing, run } from "../support/shell.ts";
import { type TestContext, testUnless } from "../support/test.ts";

const script = join(import.meta.dirname ?? ".", "..", "..", "scripts", "package", "npm.ts");
const env = { HOME: process.env["HOME"] ?? "", XDG_CONFIG_HOME: "/nonexistent" };

interface Installed {
  readonly home: string;
  readonly command: string;
  readonly env: Readonly<Record<string, string>>;
}

/** Made, packed, and installed by npm into a folder of its own. */
async function installPackage(t: TestContext): Promise<Installed> {
  const folder = join(t.folder(), "npm");
  const deno = "Deno" in globalThis ? ["run", "--allow-all"] : [];
  const made = await run([process.execPath, ...deno, script, "--out", folder], env);
  assert.equal(made.code, 0, made.stderr);
  const home = t.folder();
  const packed = await run(["npm", "pack", "--silent", folder, "--pack-destination", home], env);
  assert.equal(packed.code, 0, packed.stderr);
  const flags = ["--no-audit", "--no-fund", "--prefer-offline"];
  const tarball = join(home, packed.stdout.trim());
  const installed = await run(["npm", "install", "--prefix", home, ...flags, tarball], env);
  assert.equal(installed.code, 0, installed.stderr);
  return {
    home,
    command: join(home, "node_modules", ".bin", "hookferry"),
    env: { ...env, XDG_STATE_HOME: home },
  };
}

/** In a process group of its own, as a service manager or a closed terminal signals it: all of it at once. */
function startGroup(t: TestContext, { command, env }: Installed, args: readonly string[]) {
  const child = spawn(command, args, {
    env: { PATH: process.env["PATH"] ?? "", ...env },
    stdio: ["pipe", "pipe", "pipe"],
    detached: true,
  });
  const group = -(child.pid ?? 0);
  const ended = once(child, "close");
  t.defer(async () => {
    try {
      process.kill(group, "SIGKILL");
    } catch { /* it is gone */ }
    await ended;
  });
  const lineOf = (stream: Readable) => {
    const lines = createInterface({ input: stream });
    return (start: RegExp) =>
      new Promise<string>((resolve) => {
        lines.on("line", (line) => start.test(line) && resolve(line));
      });
  };
  return {
    ended,
    printed: lineOf(child.stdout),
    logged: lineOf(child.stderr),
    type: (text: string) => child.stdin.end(text),
    signal: () => process.kill(group, "SIGTERM"),
  };
}

testUnless(
  missing("npm"),
  "a signal to all processes of the npm package is one: what is in hand is finished",
  async (t) => {
    const installed = await installPackage(t);
    let answer = (_: number) => {};
    const target = await startTarget(t, () => new Promise((resolve) => answer = resolve));
    const relay = startGroup(t, installed, ["relay", "--listen", "127.0.0.1:0"]);
    const line = /'(.*)'/.exec(await relay.printed(/^connect /))?.[1] ?? "";
    const { url = "" } = parseConnectString(line) ?? {};

    const words = ["connect", "--from", "-", "--to", target.url.href, "--output", "json"];
    const connector = startGroup(t, installed, words);
    const delivered = connector.printed(/"outcome":"delivered"/);
    connector.type(`${line}\n`);
    const posted = await fetch(`${url}/webhook/default`, { method: "POST", body: "x" });
    await posted.body?.cancel();
    await target.arrived(1);
    const draining = connector.logged(/"connector\.draining"/);
    connector.signal();
    await draining;
    answer(200);
    assert.deepEqual(await connector.ended, [0, null]);
    await delivered;
    relay.signal();
    assert.deepEqual(await relay.ended, [0, null]);
  },
);

testUnless(
  missing("npm"),
  "the npm package delivers on a machine with Node, ends on SIGTERM, and says what it lacks or cannot be",
  async (t) => {
    const { home, command, env: own } = await installPackage(t);

    const first = await run([command, "dev", "--once"], own);
    assert.equal(first.code, 0, first.stderr);
    assert.match(first.stdout, /"outcome":"delivered"/);
    assert.match(
      (await run([command, "version", "--json"], own)).stdout,
      /"commit":"[0-9a-f]{12}","runtime":"deno /,
    );
    assert.equal((await run([command, "unknown"], own)).code, 2);

    // Its executable is a Deno, which by itself runs nothing of ours.
    const root = t.folder();
    mkdirSync(join(root, "etc", "hookferry"), { recursive: true });
    writeFileSync(join(root, "etc", "hookferry", "webhooks.json"), "{}");
    const service = await run([
      ...[command, "service", "install", "relay", "--webhooks", "/etc/hookferry/webhooks.json"],
      ...["--root", root, "--manager", "openrc", "--user", "daemon"],
    ], own);
    assert.equal(service.code, 2, service.stdout);
    assert.match(service.stderr, /give --program FILE/);
    assert.equal(existsSync(join(root, "etc", "init.d")), false);

    const running = spawn(command, ["dev"], {
      env: { PATH: process.env["PATH"] ?? "", ...own },
      stdio: ["ignore", "pipe", "inherit"],
    });
    const ended = once(running, "close");
    await once(createInterface({ input: running.stdout }), "line");
    process.kill(running.pid ?? 0, "SIGTERM");
    assert.deepEqual(await ended, [0, null]);

    rmSync(join(home, "node_modules", "@deno"), { recursive: true });
    const without = await run([command, "dev", "--once"], own);
    assert.equal(without.code, 1);
    assert.match(
      without.stderr,
      /^hookferry: it runs on Deno, and the package @deno\/\S+ is not here/,
    );
  },
);
