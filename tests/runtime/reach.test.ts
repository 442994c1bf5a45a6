/** Unix sockets, server names, TLS versions and refused addresses, against real servers. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import http from "node:http";
import https from "node:https";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import type { TlsSettings } from "../../src/config/settings.ts";
import { createHttpClient } from "../../src/runtime/http_client.ts";
import { createFetch } from "../../src/runtime/fetch.ts";
import { ForbiddenAddress, networkFailure } from "../../src/runtime/network_failure.ts";
import type { Reach } from "../../src/runtime/reach.ts";
import { openWebSocket } from "../../src/runtime/websocket.ts";
import { brokenStream } from "../../src/transport/stream_failure.ts";
import { startHttpServer } from "../support/http_server.ts";
import { test, type TestContext } from "../support/test.ts";
import { certPath } from "../support/tls_front.ts";

const pem = (name: string) => readFileSync(certPath(name), "utf8");
const noTls: TlsSettings = { verify: true, ca: undefined, cert: undefined, key: undefined };
const never = new AbortController().signal;

/** The body of the answer, or what the failure is called. */
async function ask(t: TestContext, reach: Reach, url: string): Promise<string> {
  const client = createHttpClient(reach, () => 1);
  t.defer(() => client.close());
  const { pathname: path } = new URL(url);
  try {
    const { body } = await client.request(
      { method: "POST", url: new URL(url), path, headers: [], body: new Uint8Array() },
      never,
    );
    const chunks: Uint8Array[] = [];
    for await (const chunk of body as AsyncIterable<Uint8Array>) chunks.push(chunk);
    return Buffer.concat(chunks).toString();
  } catch (error) {
    return networkFailure(error).message;
  }
}

async function startTls(t: TestContext, options: https.ServerOptions = {}): Promise<number> {
  const server = https.createServer(
    { cert: pem("server"), key: pem("server_key"), ...options },
    (_request, response) => void response.end("ok"),
  );
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.defer(() => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  });
  return (server.address() as AddressInfo).port;
}

test("a Unix socket is connected to in place of host and port", async (t) => {
  const socketPath = join(t.folder(), "app.sock");
  const server = http.createServer((request, response) => {
    response.end(`${request.method} ${request.url} for ${request.headers.host}`);
  });
  await new Promise<void>((resolve) => server.listen(socketPath, resolve));
  t.defer(() => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  });
  const answer = await ask(t, { tls: noTls, socketPath }, "http://localhost/hooks/a");
  assert.equal(answer, "POST /hooks/a for localhost");
});

test("a Unix socket that is not there is told", async (t) => {
  const socketPath = join(t.folder(), "none.sock");
  const answer = await ask(t, { tls: noTls, socketPath }, "http://localhost/");
  assert.equal(answer, "there is no such Unix socket");
});

test("the certificate is looked at for the server name that is set", async (t) => {
  const url = `https://127.0.0.1:${await startTls(t)}/`;
  const tls = { ...noTls, ca: pem("ca") };
  assert.equal(await ask(t, { tls: { ...tls, serverName: "localhost" } }, url), "ok");
  const wrong = await ask(t, { tls: { ...tls, serverName: "other.test" } }, url);
  assert.equal(wrong, "the certificate is for another host name");
});

test("a server that cannot speak the least TLS version is refused", async (t) => {
  const url = `https://localhost:${await startTls(t, { maxVersion: "TLSv1.2" })}/`;
  const tls = { ...noTls, ca: pem("ca") };
  assert.equal(await ask(t, { tls }, url), "ok");
  const refused = await ask(t, { tls: { ...tls, minVersion: "tls1.3" } }, url);
  assert.equal(
    refused,
    "the server speaks no TLS version that is allowed here: see tls_min_version",
  );
});

test("an address that is refused is never connected to, whatever name leads there", async (t) => {
  const { server, url } = await startHttpServer(t, (_request, response) => void response.end("ok"));
  let connections = 0;
  server.on("connection", () => connections++);
  const asked: string[] = [];
  const refuses = (address: string) => {
    asked.push(address);
    return true;
  };
  const named = url.replace("127.0.0.1", "localhost");
  assert.match(
    await ask(t, { tls: noTls, refuses }, named),
    /^will not connect to "localhost": it resolves to (127\.0\.0\.1|::1), which is not allowed$/,
  );
  assert.equal(connections, 0);
  assert.ok(asked.includes("127.0.0.1"), asked.join());
  assert.equal(await ask(t, { tls: noTls, refuses: () => false }, named), "ok");
});

test("the link to the relay refuses addresses as it connects, which counts as rejected", async (t) => {
  const { server, url } = await startHttpServer(t);
  let connections = 0;
  server.on("connection", () => connections++);
  const named = new URL(url.replace("127.0.0.1", "localhost"));
  const reach = { tls: noTls, proxy: undefined, refuses: () => true };
  const client = createFetch(reach);
  t.defer(() => client.close());
  const link = { headers: {}, maxFrameBytes: 1024, signal: never, heard() {} };
  const socketUrl = new URL(named.href.replace("http", "ws"));
  for (
    const attempt of [
      () => client.fetch(named, { method: "GET", headers: {}, signal: never }),
      () => openWebSocket(socketUrl, { ...reach, ...link }),
    ]
  ) {
    const error = await attempt().then(
      () => assert.fail("it connected"),
      (error: unknown) => error,
    );
    assert.ok(error instanceof ForbiddenAddress, String(error));
    assert.equal(brokenStream({ what: "x", url: named }, error).failureClass, "rejected");
  }
  assert.equal(connections, 0);
});
