/**
 * Requirement 11: a fast source, a slow target, ten times the bound. The relay here knows no window: it sends as
 * fast as the socket takes it. The connector is a process of its own; its peak memory must stay under a fixed
 * ceiling, and nothing may be lost.
 *
 *   deno task bench backpressure
 *   bun scripts/bench/backpressure.ts
 */
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import http from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import process from "node:process";
import { WebSocketServer } from "ws";

const messages = 10_000;
const bodyBytes = 64 * 1024;
const bound = 1_000;
/** Less than what goes through (640 MB): the bound of 64 MB as text and as bytes, and what a collector leaves lying. */
const ceilingBytes = 512 * 1024 * 1024;

const main = join(import.meta.dirname ?? ".", "..", "..", "main.ts");
const isDeno = "Deno" in globalThis;

async function listen(server: http.Server): Promise<number> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return (server.address() as AddressInfo).port;
}

let delivered = 0;
let held: http.ServerResponse[] = [];
let isOpen = false;
const target = http.createServer((request, response) => {
  request.resume().on("end", () => {
    delivered++;
    if (isOpen) response.end();
    else held.push(response);
  });
});

const relay = http.createServer();
const wss = new WebSocketServer({ server: relay });
const acked = new Set<string>();
let sent = 0;
let finished = () => {};
const done = new Promise<void>((resolve) => finished = resolve);
wss.on("connection", async (socket) => {
  socket.on("message", (data) => {
    const frame = JSON.parse(String(data));
    if (frame.type === "ack") acked.add(frame.message_id);
    if (acked.size === messages) finished();
  });
  socket.send('{"type":"connected","connection_id":"c","channel":"dev"}');
  const filler = "x".repeat(bodyBytes);
  while (sent < messages) {
    const frame = JSON.stringify({
      type: "webhook",
      message_id: `m${sent++}`,
      webhook_id: "hook",
      sequence: sent,
      timestamp: "",
      headers: {},
      payload: filler,
    });
    await new Promise((resolve) => socket.send(frame, resolve));
  }
});

const url = `http://127.0.0.1:${await listen(relay)}`;
const targetUrl = `http://127.0.0.1:${await listen(target)}/`;
const args = [
  ...(isDeno ? ["run", "--allow-net", "--allow-env", "--allow-read", "--allow-sys"] : []),
  ...[main, "connect", "--cloud-url", url, "--channel", "dev", "--target-url", targetUrl],
  ...["--protocol", "websocket", "--status-listen", "off", "--log-level", "error"],
  ...["--max-queue-messages", String(bound)],
];
const connector = spawn(process.execPath, args, {
  env: { ...process.env, CONNECTOR_TOKEN: "t" },
  stdio: ["ignore", "inherit", "inherit"],
});
/** Peak resident memory so far, bytes (Linux). */
function peak(): number {
  // Deno reads /proc only with all permissions there are; cat needs none of them.
  const status = spawnSync("cat", [`/proc/${connector.pid}/status`], { encoding: "utf8" });
  return Number(/VmHWM:\s+(\d+) kB/.exec(status.stdout)?.[1]) * 1024;
}

// The sender has come to a stand when it sends nothing more for a while: the socket is full.
for (let last = -1; last !== sent;) {
  last = sent;
  await new Promise((resolve) => setTimeout(resolve, 2_000));
}
const stoppedAt = sent;
const peakHeld = peak();
isOpen = true;
for (const response of held.splice(0)) response.end();
held = [];
await done;
const peakAfter = peak();
process.kill(connector.pid ?? 0, "SIGTERM");
await once(connector, "close");
wss.close();
relay.closeAllConnections();
relay.close();
target.closeAllConnections();
target.close();

const mib = (bytes: number) => `${(bytes / 1024 / 1024).toFixed(0)} MiB`;
console.log(
  `${isDeno ? "deno" : "bun"}: ${messages} messages of ${bodyBytes / 1024} KiB, bound ${bound}`,
);
console.log(`  sender held up after   ${stoppedAt} messages`);
console.log(`  delivered, acked       ${delivered}, ${acked.size}`);
console.log(`  peak while held up     ${mib(peakHeld)}`);
console.log(`  peak in all            ${mib(peakAfter)}  (ceiling ${mib(ceilingBytes)})`);
const isGood = stoppedAt < messages && acked.size === messages && peakAfter < ceilingBytes;
console.log(isGood ? "  holds" : "  DOES NOT HOLD");
process.exitCode = isGood ? 0 : 1;
