import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import http from "node:http";
import net, { type AddressInfo, type Socket } from "node:net";
import { createHttpClient, type HttpRequest } from "../../src/runtime/http_client.ts";
import { networkFailure } from "../../src/runtime/network_failure.ts";
import type { Reach } from "../../src/runtime/reach.ts";
import { startConnectProxy } from "../support/connect_proxy.ts";
import { ManualClock } from "../support/manual_clock.ts";
import { test, type TestContext } from "../support/test.ts";
import { certPath, startTlsFront } from "../support/tls_front.ts";
import { turnsUntil } from "../support/turns_until.ts";

const noTls = { verify: true, ca: undefined, cert: undefined, key: undefined };
const never = new AbortController().signal;

interface Peer {
  url: URL;
  /** The body of every POST that reached the server. */
  posts: string[];
  connections: number;
  /** Resolves when the n-th POST has been read. */
  reached(n: number): Promise<void>;
}

/** A server that answers "ok", or does with the request what its body says. */
async function startPeer(t: TestContext): Promise<Peer> {
  const posts: string[] = [];
  const waiters: { n: number; resolve: () => void }[] = [];
  const sockets = new Set<Socket>();
  const server = http.createServer((request, response) => {
    let body = "";
    request.on("data", (chunk) => body += chunk);
    request.on("end", () => {
      posts.push(body);
      for (const waiter of waiters) if (posts.length >= waiter.n) waiter.resolve();
      if (body === "hang") return;
      if (body === "die") return void request.socket.destroy();
      response.end(JSON.stringify(request.rawHeaders));
    });
  });
  const peer: Peer = {
    url: new URL("http://127.0.0.1/"),
    posts,
    connections: 0,
    reached: (n) =>
      posts.length >= n
        ? Promise.resolve()
        : new Promise((resolve) => waiters.push({ n, resolve })),
  };
  server.on("connection", (socket) => {
    peer.connections++;
    sockets.add(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  peer.url = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
  t.defer(async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  });
  return peer;
}

function post(url: URL, body: string, headers: HttpRequest["headers"] = []): HttpRequest {
  return { method: "POST", url, path: "/", headers, body: new TextEncoder().encode(body) };
}

async function readAll(body: AsyncIterable<unknown>): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of body) chunks.push(chunk as Uint8Array);
  return new TextDecoder().decode(Buffer.concat(chunks));
}

async function warmClient(t: TestContext, peer: Peer, { reach, url }: Way = direct(peer)) {
  const client = createHttpClient(reach, () => 4);
  t.defer(() => client.close());
  const send = async (body: string) => {
    await readAll((await client.request(post(url, body), never)).body);
  };
  await send("warm");
  await send("warm");
  return { client, url, send };
}

/** How a peer is reached. */
interface Way {
  readonly reach: Reach;
  readonly url: URL;
}

const direct = (peer: Peer): Way => ({ reach: { tls: noTls }, url: peer.url });
const ways: Record<string, (t: TestContext, peer: Peer) => Promise<Way> | Way> = {
  "": (_t, peer) => direct(peer),
  "through a proxy, ": async (t, peer) => {
    const proxy = await startConnectProxy(t);
    return { reach: { tls: noTls, proxy: new URL(proxy.url) }, url: peer.url };
  },
  "through a tunnel, ": async (t, peer) => {
    const proxy = await startConnectProxy(t);
    const [ca, cert, key] = ["ca", "client", "client_key"].map((name) =>
      readFileSync(certPath(name), "utf8")
    );
    const tls = { verify: true, ca, cert, key };
    return { reach: { tls, proxy: new URL(proxy.url) }, url: await startTlsFront(t, peer.url) };
  },
};

for (const [name, way] of Object.entries(ways)) {
  test(`${name}a POST on a reused connection that the server closes is sent once and fails`, async (t) => {
    const peer = await startPeer(t);
    const { client, url, send } = await warmClient(t, peer, await way(t, peer));
    const error = await client.request(post(url, "die"), never).then(
      () => assert.fail("the request succeeded"),
      (error: unknown) => error,
    );
    assert.equal(networkFailure(error).code, "reset");
    // What a hidden second try would have sent arrives before the answer to a later request.
    await send("after");
    assert.deepEqual(peer.posts, ["warm", "warm", "die", "after"]);
  });

  test(`${name}a POST on a reused connection that is aborted is sent once and fails with the reason`, async (t) => {
    const peer = await startPeer(t);
    const { client, url, send } = await warmClient(t, peer, await way(t, peer));
    const abort = new AbortController();
    const pending = client.request(post(url, "hang"), abort.signal);
    await peer.reached(3);
    abort.abort(new Error("enough"));
    await assert.rejects(pending, /enough/);
    await send("after");
    assert.deepEqual(peer.posts, ["warm", "warm", "hang", "after"]);
  });
}

test("one connection serves many requests", async (t) => {
  const peer = await startPeer(t);
  const { client, send } = await warmClient(t, peer);
  for (let i = 0; i < 20; i++) await send("x");
  assert.equal(peer.connections, 1);
  assert.equal(client.connections, 1);
});

test("requests beyond the pool's size wait for a connection", async (t) => {
  const peer = await startPeer(t);
  const client = createHttpClient({ tls: noTls }, () => 2);
  t.defer(() => client.close());
  await Promise.all(
    Array.from({ length: 20 }, async () => {
      await readAll((await client.request(post(peer.url, "x"), never)).body);
    }),
  );
  assert.equal(peer.posts.length, 20);
  assert.ok(peer.connections <= 2, `${peer.connections} connections`);
});

test("header order, case and repeats reach the server as they were given", async (t) => {
  const peer = await startPeer(t);
  const client = createHttpClient({ tls: noTls }, () => 1);
  t.defer(() => client.close());
  const headers = [["X-B", "1"], ["x-a", "2"], ["X-B", "3"]] as const;
  const response = await client.request(post(peer.url, "body", headers), never);
  const raw = JSON.parse(await readAll(response.body)) as string[];
  assert.deepEqual(raw.slice(0, 10), [
    "Host",
    peer.url.host,
    "X-B",
    "1",
    "x-a",
    "2",
    "X-B",
    "3",
    "Content-Length",
    "4",
  ]);
});

test("a refused connection is named as such", async () => {
  const client = createHttpClient({ tls: noTls }, () => 1);
  const error = await client.request(post(new URL("http://127.0.0.1:1/"), "x"), never).then(
    () => assert.fail("the request succeeded"),
    (error: unknown) => error,
  );
  client.close();
  assert.deepEqual(networkFailure(error), { code: "refused", message: "connection refused" });
});

test("a request that is aborted at any moment ends nothing but itself", async (t) => {
  const peer = await startPeer(t);
  for (const body of ["hang", "ok"]) {
    for (let turns = 0; turns < 12; turns++) {
      const client = createHttpClient({ tls: noTls }, () => 2);
      const abort = new AbortController();
      const requests = [1, 2, 3].map(async () => {
        const response = await client.request(post(peer.url, body), abort.signal);
        for await (const _ of response.body);
      });
      for (let turn = 0; turn < turns; turn++) await new Promise((next) => setImmediate(next));
      abort.abort(new Error("stop"));
      for (const result of await Promise.allSettled(requests)) {
        if (result.status === "rejected") assert.match(String(result.reason), /stop|aborted|reset/);
      }
      client.close();
    }
  }
});

/** A server that answers each request with the next of these bytes, and then does what there is to do. */
async function startRaw(
  t: TestContext,
  answers: readonly (readonly [bytes: string | Uint8Array, then?: (socket: Socket) => void])[],
  asked = (_socket: Socket) => {},
): Promise<{ readonly url: URL; readonly connections: () => number }> {
  let next = 0;
  let connections = 0;
  const sockets = new Set<Socket>();
  const server = net.createServer((socket) => {
    connections++;
    sockets.add(socket);
    socket.on("error", () => {});
    socket.on("data", () => {
      asked(socket);
      const [bytes, then] = answers[next++] ?? [""];
      socket.write(bytes, () => then?.(socket));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.defer(async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  });
  const url = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
  return { url, connections: () => connections };
}

const ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

function askTwice(t: TestContext, url: URL, clock = new ManualClock()) {
  const client = createHttpClient({ tls: noTls }, () => 1, clock);
  t.defer(() => client.close());
  const ask = async () => {
    const { body } = await client.request(post(url, "x"), never);
    return await readAll(body);
  };
  return { client, ask };
}

test("what comes behind a response is believed by nobody: the next request has another connection", async (t) => {
  const { url, connections } = await startRaw(t, [[ok + ok], [ok]]);
  const { ask } = askTwice(t, url);
  assert.deepEqual([await ask(), await ask()], ["ok", "ok"]);
  assert.equal(connections(), 2);
});

test("a connection is not used when the server is about to close it, by its own word", async (t) => {
  const kept = ok.replace("\r\n\r\n", "\r\nKeep-Alive: timeout=5\r\n\r\n");
  const { url, connections } = await startRaw(t, [[kept], [kept], [kept]]);
  const clock = new ManualClock();
  const { ask } = askTwice(t, url, clock);
  await ask();
  await clock.advance(3_000);
  await ask();
  assert.equal(connections(), 1);
  await clock.advance(4_500);
  await ask();
  assert.equal(connections(), 2);
});

test("a server that closes after each answer without a word loses one request, not half of them", async (t) => {
  const answers = Array.from({ length: 40 }, () => [ok, (socket: Socket) => socket.end()] as const);
  const { url } = await startRaw(t, answers);
  const client = createHttpClient({ tls: noTls }, () => 2);
  t.defer(() => client.close());
  let failed = 0;
  for (let n = 0; n < 30; n++) {
    try {
      await readAll((await client.request(post(url, "x"), never)).body);
    } catch (error) {
      assert.equal(networkFailure(error).code, "reset");
      failed++;
    }
  }
  assert.ok(failed <= 1, `${failed} of 30 requests failed`);
});

test("where a connection was lost and others last, those are used again at once", async (t) => {
  const { url, connections } = await startRaw(t, [
    [ok],
    [ok],
    ["", (socket) => socket.destroy()],
    [ok],
    [ok],
    [ok],
    [ok],
  ]);
  const clock = new ManualClock();
  const { ask } = askTwice(t, url, clock);
  await ask();
  await ask();
  await assert.rejects(ask());
  await ask();
  await clock.advance(50);
  await ask();
  await ask();
  assert.equal(connections(), 2);
});

test("a server that answers before it has read all of a request gets the next one on another connection", async (t) => {
  const { url, connections } = await startRaw(t, [[ok], [ok]], (socket) => socket.pause());
  const client = createHttpClient({ tls: noTls }, () => 1, new ManualClock());
  t.defer(() => client.close());
  // More than the system takes of what nobody reads.
  const large = { ...post(url, ""), body: new Uint8Array(64 * 1024 * 1024) };
  assert.equal(await readAll((await client.request(large, never)).body), "ok");
  assert.equal(await readAll((await client.request(post(url, "x"), never)).body), "ok");
  assert.equal(connections(), 2);
});

test("a body that lasts until the end of the connection is whole when it is closed, broken when it is cut", async (t) => {
  const head = "HTTP/1.1 200 OK\r\n\r\nbody";
  const { url } = await startRaw(t, [
    [head, (socket) => socket.end()],
    [head, (socket) => socket.resetAndDestroy()],
  ]);
  const { ask } = askTwice(t, url);
  assert.equal(await ask(), "body");
  await assert.rejects(ask(), (error) => networkFailure(error).code === "reset");
});

test("a large body that is given up half read leaves nothing behind for the next request", async (t) => {
  const size = 1024 * 1024;
  const large = Buffer.concat([
    Buffer.from(`HTTP/1.1 200 OK\r\nContent-Length: ${size}\r\n\r\n`),
    Buffer.alloc(size, "x"),
  ]);
  const { url } = await startRaw(t, [[large], [ok]]);
  const { client, ask } = askTwice(t, url);
  const { body } = await client.request(post(url, "x"), never);
  for await (const _ of body) break;
  assert.equal(await ask(), "ok");
});

test("a body that nobody read does not stop the connection for the next request", async (t) => {
  // Its last byte is what is too much to be held: the connection is paused with the response over.
  const size = 256 * 1024 + 1;
  const whole = Buffer.concat([
    Buffer.from(`HTTP/1.1 200 OK\r\nContent-Length: ${size}\r\n\r\n`),
    Buffer.alloc(size, "x"),
  ]);
  const { url, connections } = await startRaw(t, [[whole], [ok]]);
  const { client, ask } = askTwice(t, url);
  const { body } = await client.request(post(url, "x"), never);
  await turnsUntil(() => body.takeWhole() !== undefined);
  assert.equal(await ask(), "ok");
  assert.equal(connections(), 1);
});
