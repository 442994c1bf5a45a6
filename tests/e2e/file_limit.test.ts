/** As many connections as the process may have files: a stranger can bring that about. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { connect } from "node:net";
import process from "node:process";
import { startProgram } from "../support/program.ts";
import { skip, test } from "../support/test.ts";
import { turnsUntil } from "../support/turns_until.ts";

const name = "a relay that has no file left for a connection goes on when there is one again";
const run = process.platform === "linux" ? test : (name: string) => skip(name, "Linux alone tells");

run(name, async (t) => {
  const data = t.folder();
  const program = startProgram(t, ["relay", "--listen", "127.0.0.1:0", "--data", data]);
  const url = new URL((await program.line(/^listening/)).split(/\s+/)[1] ?? "");
  let isGone = false;
  void program.exited.then(() => isGone = true);
  // Deno reads nothing below /proc without every permission there is: `ls` does.
  const open = () =>
    execFileSync("ls", [`/proc/${program.pid}/fd`], { encoding: "utf8" }).split("\n").length - 1;
  const limit = open() + 20;
  execFileSync("prlimit", [`--nofile=${limit}:${limit}`, "--pid", String(program.pid)]);
  const sockets = Array.from({ length: 60 }, () => {
    const socket = connect(Number(url.port), url.hostname);
    socket.on("error", () => {});
    socket.write("GET / HTTP/1.1\r\nHost: x\r\n");
    return socket;
  });
  t.defer(() => sockets.forEach((socket) => socket.destroy()));
  await turnsUntil(() => isGone || open() >= limit - 1);
  for (const socket of sockets) socket.destroy();
  let status = 0;
  const ask = async () => {
    const response = await fetch(new URL("/livez", url));
    await response.body?.cancel();
    status = response.status;
  };
  while (status !== 200 && !isGone) await ask().catch(() => {});
  assert.equal(status, 200, program.stderr.join("\n"));
  const webhook = await fetch(new URL("/webhook/default", url), { method: "POST", body: "x" });
  await webhook.body?.cancel();
  assert.equal(webhook.status, 202);
  program.terminate();
  assert.equal(await program.ended, 0);
});
