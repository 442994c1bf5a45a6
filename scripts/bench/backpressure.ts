/**
 * Requirement 11: a fast source, a slow target, ten times the bound. The relay here knows no window: it sends as
 * fast as the socket takes it. The connector is a process of its own; its peak memory must stay under a fixed
 * ceiling, and nothing may be lost.
 *
 *   deno task bench backpressure
 *   bun scripts/bench/backpressure.ts
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import http from "node:http";
import type { AddressInfo } from "node:net";
import process from "node:process";
import { WebSocketServer } from "ws";
import { residentOf } from "../process_figures.ts";
import { report } from "./tools/report.ts";
import { ourCommand, ownRuntime } from "./tools/runtimes.ts";

const messages = 10_000;
const bodyBytes = 64 * 1024;
const bound = 1_000;
/** Less than what goes through (640 MB): the bound of 64 MB as text and as bytes, and what a collector leaves lying. */
const ceilingMib = 512;

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
const [program = "", ...args] = [
  ...[
    ...ourCommand(ownRuntime),
    "connect",
    "--cloud-url",
    url,
    "--channel",
    "dev",
    "--target-url",
    targetUrl,
  ],
  ...[
    "--protocol",
    "websocket",
    "--status-listen",
    "off",
    "--log-level",
    "error",
    "--output",
    "quiet",
  ],
  ...["--max-queue-messages", String(bound)],
];
const connector = spawn(program, args, {
  env: { ...process.env, CONNECTOR_TOKEN: "t" },
  stdio: ["ignore", "inherit", "inherit"],
});
const peak = () => residentOf(connector.pid ?? 0).peakMib;

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

const isGood = stoppedAt < messages && acked.size === messages && peakAfter < ceilingMib;
const row = {
  messages: `${messages} of ${bodyBytes / 1024} KiB`,
  bound: String(bound),
  "sender held up after": String(stoppedAt),
  delivered: String(delivered),
  acked: String(acked.size),
  "peak MiB, held up": peakHeld.toFixed(0),
  "in all": peakAfter.toFixed(0),
  ceiling: String(ceilingMib),
};
report("backpressure", ownRuntime, [row], row);
console.log(isGood ? "holds" : "DOES NOT HOLD");
process.exitCode = isGood ? 0 : 1;
