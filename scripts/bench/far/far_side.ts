/**
 * What is on the other side of a connector, in a process of its own: a relay, a target and a trace collector. Prints
 * their addresses as one line of JSON; `GET ready?n=N` on `fill` puts N webhooks into the relay. Ends with its parent.
 */
import { randomBytes } from "node:crypto";
import http from "node:http";
import type { AddressInfo } from "node:net";
import process from "node:process";
import { systemClock } from "../../../src/async/clock.ts";
import { startRelay } from "../../../src/relay/relay.ts";
import { channelConfig } from "../../../src/relay/webhooks_file.ts";

const body = new Uint8Array(1024).fill(120);
let filled = 0;

async function listen(listener: http.RequestListener): Promise<string> {
  const server = http.createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
}

const answer: http.RequestListener = (request, response) =>
  void request.resume().on("end", () => response.end("{}"));

const relay = await startRelay({
  hostname: "127.0.0.1",
  port: 0,
  clock: systemClock,
  observe: () => {},
  heartbeatMs: 30_000,
  channels: [channelConfig({ name: "dev", token: "s3cret", webhookIds: ["hook"] })],
});

async function fill(count: number): Promise<void> {
  const channel = relay.registry.named("dev")?.channel;
  for (let n = 0; n < count; n++) {
    const id = ++filled;
    await channel?.publish({
      id: `msg_${id}`,
      webhookId: "hook",
      receivedAt: new Date().toISOString(),
      method: "POST",
      path: "",
      headers: [
        ["content-type", "application/json"],
        ["traceparent", `00-${randomBytes(16).toString("hex")}-00f067aa0ba902b7-01`],
      ],
      body,
    });
  }
}

const places = {
  relay: relay.url,
  target: await listen(answer),
  collector: await listen(answer),
  fill: await listen(async (request, response) => {
    await fill(Number(request.url?.slice(1)));
    response.end();
  }),
};
process.stdout.write(`${JSON.stringify(places)}\n`);
process.stdin.on("end", () => process.exit()).resume();
