import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { TestContext } from "./test.ts";

const works = (command: string) =>
  spawnSync(command, ["--version"], { stdio: "ignore" }).status === 0;

/** Why tests that need systemd's notify socket are skipped here; undefined when they are not. */
export const noNotify: string | undefined = !works("systemd-notify")
  ? "no systemd-notify on this machine"
  : !works("python3")
  ? "no python3 to listen on a datagram socket"
  : undefined;

const listener = `
import json, socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1])
print("ready", flush=True)
while True:
    for line in s.recv(65536).decode().splitlines():
        print(line, flush=True)
`;

/** A real unix datagram socket, as systemd has it: neither runtime can make one. */
export async function startNotifySocket(t: TestContext) {
  const path = join(t.folder(), "notify");
  const child = spawn("python3", ["-c", listener, path], { stdio: ["ignore", "pipe", "inherit"] });
  const ended = once(child, "close");
  const lines: string[] = [];
  const waiters = new Set<() => void>();
  createInterface({ input: child.stdout }).on("line", (line) => {
    lines.push(line);
    for (const look of waiters) look();
  });
  t.defer(async () => {
    child.kill("SIGKILL");
    await ended;
  });
  const line = (pattern: RegExp, n = 1) =>
    new Promise<void>((resolve) => {
      const look = () => {
        if (lines.filter((line) => pattern.test(line)).length < n) return;
        waiters.delete(look);
        resolve();
      };
      waiters.add(look);
      look();
    });
  await line(/^ready$/);
  return { path, lines, line };
}
