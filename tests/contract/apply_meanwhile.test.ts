/** Settings that change while a connection is being opened. */
import assert from "node:assert/strict";
import http from "node:http";
import net, { type AddressInfo } from "node:net";
import { ManualClock } from "../support/manual_clock.ts";
import { settings, startConnector, startDevRelay } from "../support/rig.ts";
import { test } from "../support/test.ts";

const nowhere = new URL("http://127.0.0.1:1/");

for (const protocol of ["websocket", "sse", "long_poll"] as const) {
  test(`[${protocol}] an attempt that new settings overtake is cut`, async (t) => {
    const relay = await startDevRelay(t);
    const { port: inside } = new URL(relay.url);
    const sockets = new Set<net.Socket>();
    const { promise: asked, resolve: isAsked } = Promise.withResolvers<void>();
    /** Silent to the first connection; passes all others on. */
    const front = net.createServer((socket) => {
      const ends = sockets.size === 0 ? [socket] : [socket, net.connect(Number(inside))];
      for (const end of ends) {
        sockets.add(end);
        end.on("error", () => {});
      }
      const [, inner] = ends;
      if (!inner) return isAsked();
      socket.pipe(inner);
      inner.pipe(socket);
    });
    await new Promise<void>((resolve) => front.listen(0, "127.0.0.1", resolve));
    t.defer(() => {
      for (const socket of sockets) socket.destroy();
      return new Promise((resolve) => front.close(resolve));
    });
    const url = `http://127.0.0.1:${(front.address() as AddressInfo).port}`;
    const given = (seconds: number) =>
      settings(url, nowhere, protocol, { connection_timeout: seconds });
    const run = startConnector(t, given(30), { clock: new ManualClock() });
    await asked;
    assert.ok(run.connector.apply(given(20)));
    await run.happened("stream.connected");
    assert.ok(!run.events.some(({ type }) => type === "stream.failed"));
  });
}

test("a token that comes while the old one is being refused is tried at once", async (t) => {
  const { promise: isChanged, resolve: changed } = Promise.withResolvers<void>();
  const { promise: isAsked, resolve: asked } = Promise.withResolvers<void>();
  const server = http.createServer(async (request, response) => {
    request.resume();
    if (request.headers.authorization !== "Bearer renewed") {
      asked();
      await isChanged;
      return void response.writeHead(401, { "Content-Type": "application/json" })
        .end('{"detail":"Invalid channel token"}');
    }
    response.writeHead(200, { "Content-Type": "text/event-stream" });
    response.write('event: connected\ndata: {"connection_id":"c","channel":"dev"}\n\n');
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.defer(() => {
    changed();
    server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const given = (token: string) => settings(url, nowhere, "sse", { token });
  const run = startConnector(t, given("s3cret"), { clock: new ManualClock() });
  await isAsked;
  assert.ok(run.connector.apply(given("renewed")));
  changed();
  await run.happened("stream.connected");
});
