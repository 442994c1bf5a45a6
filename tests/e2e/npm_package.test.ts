/** The npm package, as npm installs it. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { createInterface } from "node:readline";
import { missing, run } from "../support/shell.ts";
import { testUnless } from "../support/test.ts";

const script = join(import.meta.dirname ?? ".", "..", "..", "scripts", "package", "npm.ts");
const env = { HOME: process.env["HOME"] ?? "", XDG_CONFIG_HOME: "/nonexistent" };

testUnless(
  missing("npm"),
  "the npm package delivers on a machine with Node, ends on SIGTERM, and says what it lacks",
  async (t) => {
    const folder = join(t.folder(), "npm");
    const deno = "Deno" in globalThis ? ["run", "--allow-all"] : [];
    const made = await run([process.execPath, ...deno, script, "--out", folder], env);
    assert.equal(made.code, 0, made.stderr);
    const home = t.folder();
    const packed = await run(["npm", "pack", "--silent", folder, "--pack-destination", home], env);
    assert.equal(packed.code, 0, packed.stderr);
    const tarball = join(home, packed.stdout.trim());
    const installed = await run([
      ...[
        "npm",
        "install",
        "--prefix",
        home,
        "--no-audit",
        "--no-fund",
        "--prefer-offline",
        tarball,
      ],
    ], env);
    assert.equal(installed.code, 0, installed.stderr);
    const command = join(home, "node_modules", ".bin", "hookferry");
    const own = { ...env, XDG_STATE_HOME: home };

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
