/** What a relay can do it says in its greeting: until then nothing is taken as confirmed. */
import assert from "node:assert/strict";
import { once } from "node:events";
import http from "node:http";
import type { AddressInfo } from "node:net";
import { type WebSocket, WebSocketServer } from "ws";
import { webhookText } from "../support/hostile_relay.ts";
import { settings, startConnector, startTarget } from "../support/rig.ts";
import { test, type TestContext } from "../support/test.ts";

const greeting = JSON.stringify({
  type: "connected",
  connection_id: "c1",
  channel: "dev",
  capabilities: ["ack-batch", "ack-confirm", "extend"],
});

/** A relay that does with its n-th connection (from 1) what it is told to. */
async function startRelay(t: TestContext, serve: (socket: WebSocket, n: number) => unknown) {
  const server = http.createServer();
  const wss = new WebSocketServer({ server });
  let connections = 0;
  wss.on("connection", (socket) => serve(socket, ++connections));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.defer(async () => {
    for (const socket of wss.clients) socket.terminate();
    wss.close();
    await new Promise((resolve) => server.close(resolve));
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** What has been sent before has been read, and what that led to was sent. */
async function roundTrip(socket: WebSocket): Promise<void> {
  socket.ping();
  await once(socket, "pong");
}

test("[websocket] an ack over a connection that was cut before the relay greeted us is said again", async (t) => {
  let answer = (_status: number) => {};
  const target = await startTarget(
    t,
    (n) => n > 1 ? 200 : new Promise<number>((resolve) => answer = resolve),
  );
  const acked: string[] = [];
  const secondAcked = Promise.withResolvers<void>();
  const url = await startRelay(t, async (socket, n) => {
    switch (n) {
      case 1:
        socket.send(greeting);
        socket.send(webhookText("m1"));
        await target.arrived(1);
        return socket.terminate();
      case 2:
        answer(200);
        await run.happened("delivery.succeeded");
        await roundTrip(socket);
        await roundTrip(socket);
        return socket.terminate();
      default:
        socket.on("message", (data: Uint8Array) => {
          const { message_id, message_ids = [message_id] } = JSON.parse(String(data));
          acked.push(...message_ids);
          socket.send(JSON.stringify({ type: "settled", message_ids }));
          if (acked.includes("m2")) secondAcked.resolve();
        });
        socket.send(greeting);
        socket.send(webhookText("m2"));
    }
  });
  const run = startConnector(t, settings(url, target.url, "websocket"));
  await secondAcked.promise;
  assert.deepEqual(acked, ["m1", "m2"]);
});
