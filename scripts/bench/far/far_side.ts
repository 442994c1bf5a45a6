/**
 * What is on the other side of a connector, in a process of its own: a relay, a target and a trace collector. Prints
 * their addresses as one line of JSON; `GET fill/N` puts N webhooks into the relay. Ends with its parent.
 */
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import type http from "node:http";
import process from "node:process";
import type { Relay } from "../../../src/relay/relay.ts";
import { withCleanup } from "../../../tests/support/cleanup.ts";
import { startHttpServer } from "../../../tests/support/http_server.ts";
import { startDevRelay } from "../../../tests/support/rig.ts";

const body = new Uint8Array(1024).fill(120);
let filled = 0;

const answer: http.RequestListener = (request, response) =>
  void request.resume().on("end", () => response.end("{}"));

async function fill(relay: Relay, count: number): Promise<void> {
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

await withCleanup(async (t) => {
  const relay = await startDevRelay(t);
  const target = await startHttpServer(t, answer);
  const collector = await startHttpServer(t, answer);
  const filler = await startHttpServer(t, async (request, response) => {
    await fill(relay, Number(request.url?.slice(1)));
    response.end();
  });
  const [targetUrl, collectorUrl, fillUrl] = [target, collector, filler].map(({ url }) =>
    `${url}/`
  );
  const places = { relay: relay.url, target: targetUrl, collector: collectorUrl, fill: fillUrl };
  process.stdout.write(`${JSON.stringify(places)}\n`);
  await once(process.stdin.resume(), "end");
});
