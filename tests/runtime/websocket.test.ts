import assert from "node:assert/strict";
import http from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { WebSocketServer } from "ws";
import { HandshakeRefused, openWebSocket } from "../../src/runtime/websocket.ts";
import { startRawServer } from "../support/raw_peer.ts";
import { test, type TestContext } from "../support/test.ts";

const noTls = { verify: true, ca: undefined, cert: undefined, key: undefined };

async function startServer(t: TestContext) {
  const server = http.createServer();
  const sockets = new Set<Socket>();
  server.on("connection", (socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.defer(async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  });
  const { port } = server.address() as AddressInfo;
  return { server, sockets, url: new URL(`ws://127.0.0.1:${port}/`) };
}

function options(t: TestContext, heard = () => {}) {
  const abort = new AbortController();
  t.defer(() => abort.abort());
  return {
    abort,
    options: {
      headers: { a: "b" },
      tls: noTls,
      maxFrameBytes: 1 << 20,
      signal: abort.signal,
      heard,
    },
  };
}

test("a refused handshake tells status, headers and body", async (t) => {
  const { server, url } = await startServer(t);
  server.on("upgrade", (_request, socket) => {
    socket.end(
      "HTTP/1.1 429 Too Many\r\nRetry-After: 7\r\nContent-Length: 4\r\nConnection: close\r\n\r\nbusy",
    );
  });
  const error = await openWebSocket(url, options(t).options).then(
    () => assert.fail("the handshake succeeded"),
    (error: unknown) => error,
  );
  assert.ok(error instanceof HandshakeRefused, String(error));
  assert.equal(error.status, 429);
  assert.equal(error.headers.get("retry-after"), "7");
  assert.equal(error.body, "busy");
});

test("frames come in order, and the close code when the server closes", async (t) => {
  const { server, url } = await startServer(t);
  const wss = new WebSocketServer({ server });
  t.defer(() => wss.close());
  wss.on("connection", (socket) => {
    for (let i = 0; i < 100; i++) socket.send(String(i));
    socket.close(4001, "bad token");
  });
  let heard = 0;
  const socket = await openWebSocket(url, options(t, () => heard++).options);
  const frames: string[] = [];
  for await (const frame of socket) frames.push(Buffer.from(frame.bytes).toString());
  assert.deepEqual(frames, Array.from({ length: 100 }, (_, i) => String(i)));
  assert.equal(socket.closed?.code, 4001);
  assert.equal(socket.closed?.reason, "bad token");
  assert.ok(heard > 0);
});

test("a reader that does not read stops the server's writes", async (t) => {
  const { server, url } = await startServer(t);
  const wss = new WebSocketServer({ server });
  t.defer(() => wss.close());
  const body = "x".repeat(1 << 20);
  const total = 200;
  let sent = 0;
  wss.on("connection", (socket, request) => {
    if (request.url === "/echo") {
      socket.on("message", (data) => socket.send(data.toString()));
      return;
    }
    const send = () => socket.send(body, () => ++sent < total && send());
    send();
  });
  const socket = await openWebSocket(url, options(t).options);
  // Round trips on another connection are the clock: enough of them for all to be sent, if it could be.
  const echo = await openWebSocket(new URL("/echo", url), options(t).options);
  void echo.send(["0"]);
  for await (const frame of echo) {
    const said = Buffer.from(frame.bytes).toString();
    if (said === "1000") break;
    void echo.send([String(Number(said) + 1)]);
  }
  assert.ok(sent < total / 2, `${sent} of ${total} MiB were taken though nobody read`);
  let read = 0;
  for await (const frame of socket) {
    assert.equal(Buffer.from(frame.bytes).toString().length, body.length);
    if (++read === total) break;
  }
  assert.equal(read, total);
});

test("an abort cuts the connection though the server never answers a closing handshake", async (t) => {
  const { server, url } = await startServer(t);
  const wss = new WebSocketServer({ server });
  t.defer(() => wss.close());
  const cut = new Promise<void>((resolve) => {
    wss.on("connection", (_socket, request) => {
      request.socket.once("close", () => resolve());
    });
  });
  const { abort, options: given } = options(t);
  const socket = await openWebSocket(url, given);
  abort.abort(new Error("dead"));
  for await (const _ of socket) assert.fail("no frame was sent");
  await cut;
});

test("close waits for the server to have read what was sent", async (t) => {
  const { server, url } = await startServer(t);
  const wss = new WebSocketServer({ server });
  t.defer(() => wss.close());
  const received: string[] = [];
  const closed = new Promise<number>((resolve) => {
    wss.on("connection", (socket) => {
      socket.on("message", (data) => received.push(data.toString()));
      socket.on("close", (code) => resolve(code));
    });
  });
  const socket = await openWebSocket(url, options(t).options);
  for (let i = 0; i < 10; i++) void socket.send([String(i)]);
  await socket.close(1000, 5_000);
  assert.equal(received.length, 10);
  assert.equal(await closed, 1000);
  await assert.rejects(socket.send(["late"]), /closed/);
});

test("an abort cuts the connection through a proxy while what lies behind it has not answered the TLS greeting", async (t) => {
  const { abort, options: given } = options(t);
  let ended = () => {};
  const end = new Promise<void>((resolve) => ended = resolve);
  const proxy = await startRawServer(t, ({ socket, write }) => {
    // What comes through the tunnel is the greeting.
    socket.once("data", () => abort.abort(new Error("dead")));
    socket.once("close", ended);
    return write("HTTP/1.1 200 Connected\r\n\r\n");
  });
  const url = new URL("wss://relay.example/");
  await assert.rejects(openWebSocket(url, { ...given, proxy: new URL(proxy.url) }), /dead/);
  await end;
});
