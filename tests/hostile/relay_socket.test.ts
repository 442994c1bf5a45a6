/** A relay that breaks the WebSocket protocol itself (RFC 6455): the connection ends or goes on, never we. */
import assert from "node:assert/strict";
import {
  greeting,
  type HostileRelay,
  startScriptedRelay,
  webhookText,
} from "../support/hostile_relay.ts";
import { handshakeAnswer, httpAnswer, type RawRequest, socketFrame } from "../support/raw_peer.ts";
import { type Running, settings, startConnector, startTarget } from "../support/rig.ts";
import { test, type TestContext } from "../support/test.ts";

type Script = (request: RawRequest) => string | Uint8Array;

const bytes = (...parts: (string | Uint8Array | number[])[]) =>
  Buffer.concat(parts.map((part) => Buffer.from(part as string)));
const opened = (request: RawRequest, ...frames: (Uint8Array | number[])[]) =>
  bytes(handshakeAnswer(request), socketFrame(greeting), ...frames);

/** Each of these ends the connection, and the next one works. */
const ending: Record<string, Script> = {
  "no HTTP at all": () => "SSH-2.0-OpenSSH_9.2\r\n\r\n",
  "a status that is none": () => "HTTP/1.1 9999 Yes\r\n\r\n",
  "an accept key of somebody else": (request) =>
    handshakeAnswer(request).replace(/Accept: \S+/, "Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo="),
  "an upgrade to something else": (request) =>
    handshakeAnswer(request).replace("Upgrade: websocket", "Upgrade: h2c"),
  "a sub-protocol nobody asked for": (request) =>
    handshakeAnswer(request).replace("\r\n\r\n", "\r\nSec-WebSocket-Protocol: evil\r\n\r\n"),
  "an extension nobody asked for": (request) =>
    handshakeAnswer(request)
      .replace("\r\n\r\n", "\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n"),
  "a head of a megabyte": () => `HTTP/1.1 101 Yes\r\nX-A: ${"a".repeat(1_000_000)}\r\n\r\n`,
  "a refusal without an end": () =>
    `HTTP/1.1 503 No\r\nContent-Length: 999999999\r\n\r\n${"x".repeat(100_000)}`,
  "a compressed frame": (request) => opened(request, socketFrame("x", 0xc1)),
  "an opcode of the future": (request) => opened(request, socketFrame("x", 0x83)),
  "a masked frame": (request) => opened(request, [0x81, 0x81, 0, 0, 0, 0, 0x78]),
  "a ping in fragments": (request) => opened(request, socketFrame("x", 0x09)),
  "a ping of 126 bytes": (request) => opened(request, socketFrame("x".repeat(126), 0x89)),
  "a continuation of nothing": (request) => opened(request, socketFrame("x", 0x80)),
  "a text within a text": (request) =>
    opened(request, socketFrame("x", 0x01), socketFrame("x", 0x01)),
  "text that is not UTF-8": (request) => opened(request, socketFrame(Uint8Array.of(0xff, 0xc0))),
  "a length of 2 to the 63": (request) => opened(request, [0x81, 127, 0x80, 0, 0, 0, 0, 0, 0, 0]),
  "a length of a terabyte": (request) => opened(request, [0x81, 127, 0, 0, 1, 0, 0, 0, 0, 0]),
  "a hundred thousand empty fragments": (request) =>
    opened(request, [0x01, 0], Buffer.alloc(200_000)),
  "a closing frame of one byte": (request) => opened(request, socketFrame("x", 0x88)),
  "a closing code that is none": (request) =>
    opened(request, socketFrame(Uint8Array.of(0, 1), 0x88)),
  "a closing reason that is not UTF-8": (request) =>
    opened(request, socketFrame(Uint8Array.of(3, 0xe8, 0xff), 0x88)),
};

for (const [name, script] of Object.entries(ending)) {
  test(`[websocket] ${name} ends the connection; the next one works`, async (t) => {
    const { run, relay } = await start(
      t,
      (request) =>
        request.n === 1 ? script(request) : opened(request, socketFrame(webhookText("good"))),
    );
    await relay.hasSettled("good");
    const failed = run.events.find((event) => event.type === "stream.failed");
    assert.ok(failed, "the first connection failed");
    assert.ok(failed.message.length < 1_000, failed.message);
  });
}

test("[websocket] binary messages are counted and change nothing", async (t) => {
  const { run, relay } = await start(t, (request) =>
    opened(
      request,
      ...Array.from({ length: 50 }, () => socketFrame(webhookText("bad"), 0x82)),
      socketFrame(webhookText("good")),
    ));
  await relay.hasSettled("good");
  const problems = run.events.flatMap((event) =>
    event.type === "stream.frame_ignored" ? [event.problem] : []
  );
  assert.deepEqual(problems, Array.from({ length: 50 }, () => "a binary message"));
  assert.deepEqual([...relay.settled], [["good", "ack"]]);
});

test("[websocket] a message in a thousand fragments with pings between them comes whole", async (t) => {
  const text = Buffer.from(webhookText("good", { body: "é".repeat(500) }));
  const fragments = Array.from({ length: 1_000 }, (_, i) => {
    const part = text.subarray((i * text.length) / 1_000, ((i + 1) * text.length) / 1_000);
    return bytes(socketFrame(part, (i === 0 ? 1 : 0) | (i === 999 ? 0x80 : 0)), [0x89, 0]);
  });
  const { relay, target } = await start(t, (request) => opened(request, ...fragments));
  await relay.hasSettled("good");
  assert.equal(Buffer.from(target.got[0]?.body ?? []).toString(), "é".repeat(500));
});

/** More than the buffers of two sockets hold, and much less than what would be owed. */
const maxAnswerBytes = 24 * 1024 * 1024;

for (
  const [name, flood, times] of [
    ["pings", socketFrame("p".repeat(125), 0x89), 600_000],
    ["heartbeats", socketFrame('{"type":"heartbeat"}'), 800_000],
  ] as const
) {
  test(`[websocket] a relay that sends ${name} and never reads costs no memory`, async (t) => {
    let stream: RawRequest | undefined;
    const { relay, target } = await start(t, (request) => {
      stream = request;
      request.socket.pause();
      const floods = Array.from({ length: times / 1_000 }, () => repeated(flood, 1_000));
      return opened(request, ...floods, socketFrame(webhookText("good")));
    });
    await target.arrived(1);
    stream?.socket.resume();
    await relay.hasSettled("good");
    const answered = stream?.later.length ?? 0;
    assert.ok(answered < maxAnswerBytes, `${answered} bytes of answers`);
  });
}

function repeated(frame: Uint8Array, times: number): Uint8Array {
  return Buffer.concat(Array.from({ length: times }, () => frame));
}

async function start(t: TestContext, script: Script): Promise<{
  readonly relay: HostileRelay;
  readonly run: Running;
  readonly target: Awaited<ReturnType<typeof startTarget>>;
}> {
  let streams = 0;
  const relay = await startScriptedRelay(t, (request) => {
    if (!/^upgrade: websocket/im.test(request.head)) return request.write(httpAnswer("404 No"));
    return request.write(script({ ...request, n: ++streams }));
  });
  const target = await startTarget(t);
  const run = startConnector(t, settings(relay.url, target.url, "websocket"));
  return { relay, run, target };
}
