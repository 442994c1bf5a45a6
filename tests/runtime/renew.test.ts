/** A certificate that is renewed while streams are open. */
import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import tls from "node:tls";
import { type Handler, serve } from "../../src/runtime/serve.ts";
import { onRenewedTls } from "../../src/cli/renewed_tls.ts";
import { ManualClock } from "../support/manual_clock.ts";
import { test } from "../support/test.ts";
import { turnsUntil } from "../support/turns_until.ts";

const read = (name: string) =>
  readFileSync(join(import.meta.dirname ?? "", "..", "support", "certs", name), "utf8");
const pair = (name: string) => ({ cert: read(`${name}.pem`), key: read(`${name}_key.pem`) });

/** Connects, and gives the certificate the server showed. */
async function shown(port: number) {
  const socket = tls.connect({ host: "127.0.0.1", port, rejectUnauthorized: false });
  await new Promise<void>((resolve, reject) =>
    socket.once("secureConnect", resolve).once("error", reject)
  );
  const { raw } = socket.getPeerCertificate();
  return { socket, fingerprint: new X509Certificate(raw).fingerprint256 };
}

/** A server with the first pair. */
const serveHello = (handler: Handler = () => new Response("hello")) =>
  serve({ hostname: "127.0.0.1", port: 0, maxFrameBytes: 1_000, tls: pair("server"), handler });

const fingerprintOf = (pem: string) => new X509Certificate(pem).fingerprint256;

test("new connections get the renewed certificate; one that is open goes on", async (t) => {
  let answerNow = () => {};
  const answering = new Promise<void>((resolve) => answerNow = resolve);
  let arrived = () => {};
  const inside = new Promise<void>((resolve) => arrived = resolve);
  const server = await serveHello(async () => {
    arrived();
    await answering;
    return new Response("hello");
  });
  t.defer(() => server.stop(1_000));
  const port = Number(new URL(server.url).port);
  const before = await shown(port);
  t.defer(() => before.socket.destroy());
  assert.equal(before.fingerprint, fingerprintOf(pair("server").cert));
  before.socket.write("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  await inside;
  await server.renew(pair("client"));
  const after = await shown(port);
  after.socket.destroy();
  assert.equal(after.fingerprint, fingerprintOf(pair("client").cert));
  let answer = "";
  before.socket.on("data", (chunk) => answer += chunk);
  answerNow();
  await turnsUntil(() => answer.includes("hello"));
});

for (
  const [name, wrong] of [
    ["that is no PEM", { cert: "nonsense", key: "nonsense" }],
    ["whose key is another's", { ...pair("client"), key: pair("server").key }],
  ] as const
) {
  test(`a pair ${name} is refused, and the one before is served`, async (t) => {
    const server = await serveHello();
    t.defer(() => server.stop(1_000));
    await assert.rejects(server.renew(wrong));
    const { socket, fingerprint } = await shown(Number(new URL(server.url).port));
    socket.destroy();
    assert.equal(fingerprint, fingerprintOf(pair("server").cert));
  });
}

test("a server that is stopped while its certificate is renewed listens no more", async () => {
  const server = await serveHello();
  const renewed = server.renew(pair("client"));
  await server.stop(1_000);
  await renewed;
  await assert.rejects(shown(Number(new URL(server.url).port)), /ECONNREFUSED/);
});

test("certificate files are read again when they change; what is no pair is told once, and the old one stays", async () => {
  const clock = new ManualClock();
  const [first, second] = [pair("server"), pair("client")];
  let files: () => typeof first = () => first;
  const served: string[] = [];
  const problems: string[] = [];
  const { stop } = onRenewedTls({
    first,
    read: () => files(),
    renew: ({ cert }) => Promise.resolve(void served.push(cert)),
    failed: (why) => problems.push(why),
    clock,
  });
  const look = async () => {
    await clock.advance(10_000);
    await turnsUntil(() => clock.pending === 1);
  };
  await look();
  files = () => {
    throw new Error("half written");
  };
  await look();
  await look();
  files = () => second;
  await look();
  await look();
  assert.deepEqual([served, problems], [[second.cert], ["half written"]]);
  stop();
  assert.equal(clock.pending, 0);
});
