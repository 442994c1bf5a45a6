#!/usr/bin/env node
// Node is what npm has; the program runs on the Deno that came with this package.
"use strict";
const { spawn } = require("node:child_process");
const { join } = require("node:path");
const process = require("node:process");

const libc = process.platform !== "linux"
  ? ""
  : process.report.getReport().header.glibcVersionRuntime === undefined
  ? "-musl"
  : "-glibc";
const runtime = `@deno/${process.platform}-${process.arch}${libc}`;
const file = `${runtime}/deno${process.platform === "win32" ? ".exe" : ""}`;
let deno;
try {
  deno = require.resolve(file);
} catch {
  console.error(
    `hookferry: it runs on Deno, and the package ${runtime} is not here. If there is one for this machine, ` +
      "install without --omit=optional; else take an executable of the release (docs/INSTALL.md).",
  );
  process.exit(1);
}

const child = spawn(deno, [
  ...["run", "--no-config", "--no-lock", "--no-prompt", "--unstable-no-legacy-abort"],
  ...require("./deno_flags.json"),
  join(__dirname, "hookferry.mjs"),
  ...process.argv.slice(2),
], { stdio: "inherit" });
// A terminal sends Ctrl-C to both. What a service manager sends to both the program takes for one signal.
process.on("SIGINT", () => process.stdin.isTTY || child.kill("SIGINT"));
for (const signal of ["SIGTERM", "SIGHUP"]) process.on(signal, () => child.kill(signal));
child.on("error", (error) => {
  console.error(`hookferry: cannot run ${deno}: ${error.message}`);
  process.exit(1);
});
child.on("exit", (code, signal) => {
  if (signal === null) process.exit(code);
  process.removeAllListeners(signal);
  process.kill(process.pid, signal);
});
