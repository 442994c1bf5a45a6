/** Requirement 4: a relay that falls silent is noticed, its socket is really closed, and another try follows. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { ManualClock } from "../support/manual_clock.ts";
import { startProxy } from "../support/proxy.ts";
import { publish, settings, startConnector, startDevRelay, startTarget } from "../support/rig.ts";
import { test, type TestContext } from "../support/test.ts";
import { turnsUntil } from "../support/turns_until.ts";

type Protocol = "websocket" | "sse" | "long_poll";
const nowhere = new URL("http://127.0.0.1:1/");

/** A TCP server that is told by hand what to say. */
async function startMute(t: TestContext) {
  const accepted: Socket[] = [];
  const waiting: (() => void)[] = [];
  const server = createServer((socket) => {
    socket.on("error", () => {});
    accepted.push(socket);
    for (const resolve of waiting.splice(0)) resolve();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.defer(() => {
    for (const socket of accepted) socket.destroy();
    return new Promise((resolve) => server.close(resolve));
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    /** The n-th connection (from 1), once it is there. */
    async connection(n: number): Promise<Socket> {
      for (;;) {
        const socket = accepted[n - 1];
        if (socket) return socket;
        await new Promise<void>((resolve) => waiting.push(resolve));
      }
    },
  };
}

/** Reads the request and answers as if a stream began: the greeting, then nothing. */
async function beginStream(socket: Socket, protocol: Protocol): Promise<void> {
  const [request] = await once(socket, "data") as [Uint8Array];
  const head = new TextDecoder().decode(request);
  const greeting = '{"type":"connected","connection_id":"c1","channel":"dev"}';
  switch (protocol) {
    case "websocket": {
      const key = /sec-websocket-key: (\S+)/i.exec(head)?.[1] ?? "";
      const accept = createHash("sha1").update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`)
        .digest("base64");
      socket.write(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
          `Sec-WebSocket-Accept: ${accept}\r\n\r\n`,
      );
      socket.write(new Uint8Array([0x81, greeting.length, ...Buffer.from(greeting)]));
      return;
    }
    case "sse":
      socket.write("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n");
      socket.write(`event: connected\ndata: ${greeting}\n\n`);
      return;
    case "long_poll":
      socket.write(
        `HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 1000000\r\n\r\n{"messages":[`,
      );
      return;
  }
}

for (const protocol of ["websocket", "sse", "long_poll"] as const) {
  const live = (name: string, body: Parameters<typeof test>[1]) =>
    test(`requirement 4: [${protocol}] ${name}`, body);

  live("a server that accepts and says nothing", async (t) => {
    const clock = new ManualClock();
    const mute = await startMute(t);
    const run = startConnector(t, settings(mute.url, nowhere, protocol), { clock });
    const socket = await mute.connection(1);
    await once(socket, "data"); // the request is here, and there will be no answer
    socket.resume();
    const closed = closeOf(socket);
    await clock.advance(30_000); // the connection timeout; not so long that it ends the next attempt too
    await closed;
    await run.happened("stream.failed");
    await clock.advance(1_000);
    await mute.connection(2);
  });

  live("a server that begins the stream and stops there", async (t) => {
    const clock = new ManualClock();
    const mute = await startMute(t);
    const run = startConnector(t, settings(mute.url, nowhere, protocol), { clock });
    const socket = await mute.connection(1);
    await beginStream(socket, protocol);
    socket.resume();
    const closed = closeOf(socket);
    await turnsUntil(() => run.connector.silenceMs !== undefined);
    if (protocol !== "long_poll") await run.happened("stream.connected");
    // A first poll that is not answered whole is ended by the connection timeout.
    await clock.advance(protocol === "long_poll" ? 30_000 : 75_000);
    await closed;
    await run.happened("stream.failed");
    const failed = run.events.find((event) => event.type === "stream.failed");
    if (protocol !== "long_poll") {
      assert.equal(failed?.failureClass, "silent");
      assert.match(failed?.message ?? "", /nothing was heard from the relay for 60 s/);
    }
    await clock.advance(1_000);
    await mute.connection(2);
  });

  live("bytes of an unfinished event count as life, until they stop", async (t) => {
    // A poll that is never answered is ended by the connection timeout: it must not be the first one.
    if (protocol === "long_poll") return;
    const clock = new ManualClock();
    const mute = await startMute(t);
    const run = startConnector(t, settings(mute.url, nowhere, protocol), { clock });
    const socket = await mute.connection(1);
    await beginStream(socket, protocol);
    socket.resume();
    const closed = closeOf(socket);
    await run.happened("stream.connected");
    // At a time of its own, so that it is seen when these very bytes have been heard.
    const heard = async (bytes: Uint8Array) => {
      await clock.advance(1);
      socket.write(bytes);
      await turnsUntil(() => run.connector.silenceMs === 0);
    };
    await heard(
      protocol === "websocket"
        ? new Uint8Array([0x81, 100]) // a frame of 100 bytes, which do not come
        : new TextEncoder().encode("event: webhook\ndata: "),
    );
    for (let minute = 0; minute < 3; minute++) {
      await heard(new Uint8Array([0x78]));
      await clock.advance(50_000);
    }
    assert.ok(!run.events.some(({ type }) => type === "stream.failed"));
    // Deno forgets the signal of a fetch when memory is collected: the stream must end all the same.
    for (let i = 0; i < 300; i++) new Array(100_000).fill(i);
    await clock.advance(75_000);
    await closed;
    await run.happened("stream.failed");
  });

  live("a machine that slept: the connection is given up at once", async (t) => {
    const clock = new ManualClock();
    const relay = await startDevRelay(t);
    const run = startConnector(t, settings(relay.url, nowhere, protocol), { clock });
    await run.happened("stream.connected");
    clock.jump(3_600_000);
    await clock.advance(20_000);
    await run.happened("stream.failed");
    const failed = run.events.find((event) => event.type === "stream.failed");
    assert.equal(failed?.failureClass, "clock_jump");
    await clock.advance(1_000);
    await run.happened("stream.connected", 2);
  });

  live(
    "a machine that slept, and its connections dead: the next stream uses none of them",
    async (t) => {
      const clock = new ManualClock();
      const relay = await startDevRelay(t);
      const proxy = await startProxy(t, relay.url);
      const target = await startTarget(t);
      const run = startConnector(t, settings(proxy.url, target.url, protocol), { clock });
      await run.happened("stream.connected");
      await publish(relay, "its acknowledgement leaves a connection behind");
      await run.happened("settlement.confirmed");
      proxy.stall();
      clock.jump(3_600_000);
      await clock.advance(20_000);
      await run.happened("stream.failed");
      // Not the 30 s after which a stream that does not open is given up.
      await clock.advance(1_000);
      await run.happened("stream.connected", 2);
    },
  );
}

/** Also when the other side cut it: on Bun that is an error first. */
function closeOf(socket: Socket): Promise<void> {
  return new Promise((resolve) => void socket.once("close", () => resolve()));
}
