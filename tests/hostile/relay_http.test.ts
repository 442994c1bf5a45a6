/** A relay that breaks HTTP, or uses it for harm: server-sent events and long poll. */
import assert from "node:assert/strict";
import process from "node:process";
import { Readable } from "node:stream";
import { constants, createBrotliCompress, createGzip } from "node:zlib";
import { maxAskedMs } from "../../src/source/reconnect_delay.ts";
import {
  greeting,
  type HostileRelay,
  pollAnswer,
  sseHead,
  sseText,
  startScriptedRelay,
  webhookText,
} from "../support/hostile_relay.ts";
import { httpAnswer, type RawRequest } from "../support/raw_peer.ts";
import { type Running, settings, startConnector, startTarget } from "../support/rig.ts";
import { test, type TestContext } from "../support/test.ts";
import { unsendableIds } from "../support/unsendable_ids.ts";

type Transport = "sse" | "long_poll";
/** Bytes of the answer to the first stream request; undefined = cut without one. */
type Answer = string | Uint8Array | undefined;

const typeOf = { sse: "text/event-stream", long_poll: "application/json" };
const head = (transport: Transport, more: string) =>
  `HTTP/1.1 200 OK\r\nContent-Type: ${typeOf[transport]}\r\n${more}\r\n`;

/** Each of these is a failed attempt, and the next one works. */
const ending: Record<string, (transport: Transport) => Answer> = {
  "nothing at all": () => undefined,
  "no HTTP": () => "SSH-2.0-OpenSSH_9.2\r\n\r\n",
  "a status that is none": () => "HTTP/1.1 9999 Yes\r\n\r\n",
  "a header without a colon": (transport) => head(transport, "nonsense\r\n"),
  "a NUL in a header": (transport) => head(transport, "X-A: a\0b\r\n"),
  "a head of a megabyte": (transport) => head(transport, `X-A: ${"a".repeat(1_000_000)}\r\n`),
  "a head of a hundred thousand lines": (transport) =>
    head(transport, "X-A: a\r\n".repeat(100_000)),
  "an upgrade nobody asked for": () => "HTTP/1.1 101 Yes\r\nUpgrade: h2c\r\n\r\n",
  "a refusal without an end": () =>
    `HTTP/1.1 500 No\r\nContent-Length: 999999999\r\n\r\n${"x".repeat(1_000_000)}`,
  "a body that breaks off": (transport) => head(transport, "Content-Length: 100000\r\n") + "da",
  "chunks that are none": (transport) =>
    head(transport, "Transfer-Encoding: chunked\r\n") + "zz\r\nhello\r\n0\r\n\r\n",
  "a chunk of 2 to the 64": (transport) =>
    head(transport, "Transfer-Encoding: chunked\r\n") + "10000000000000000\r\nhello",
  "gzip that is none": (transport) =>
    head(transport, "Content-Encoding: gzip\r\nContent-Length: 5\r\n") + "hello",
  "a page of somebody else": () =>
    "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 6\r\n\r\n<html>",
};

for (const transport of ["sse", "long_poll"] as const) {
  for (const [name, answer] of Object.entries(ending)) {
    test(`[${transport}] ${name} is a failed attempt; the next one works`, async (t) => {
      const { relay, run } = await start(t, transport, answer(transport));
      await relay.hasSettled("good");
      for (const event of run.events) {
        assert.ok(JSON.stringify(event).length < 4_096, JSON.stringify(event).slice(0, 300));
      }
    });
  }

  for (const value of ["9".repeat(400), "Fri, 31 Dec 275759 23:59:59 GMT"]) {
    test(`[${transport}] Retry-After: ${value.slice(0, 31)} is not waited for`, async (t) => {
      const answer = httpAnswer("503 No", "", `Retry-After: ${value}\r\n`);
      const { run } = await start(t, transport, answer);
      await run.happened("stream.failed");
      const failed = run.events.find((event) => event.type === "stream.failed");
      assert.ok(failed && failed.retryInMs >= maxAskedMs && failed.retryInMs <= 2 * maxAskedMs);
    });
  }

  for (const encoding of ["gzip", "br"] as const) {
    test(`[${transport}] a body of ${encoding} that becomes a gigabyte costs no more than its limit`, async (t) => {
      const bomb = await bombOf(encoding, transport === "sse" ? "data:x\n" : " ");
      const more = `Content-Encoding: ${encoding}\r\nContent-Length: ${bomb.length}\r\n`;
      const growth = watchMemory(t);
      const { relay, run } = await start(
        t,
        transport,
        Buffer.concat([Buffer.from(head(transport, more)), bomb]),
      );
      await relay.hasSettled("good");
      const failed = run.events.find((event) => event.type === "stream.failed");
      assert.ok(failed, "the first connection failed");
      assertGrowth(`${bomb.length} bytes of ${encoding}`, growth());
    });
  }
}

/** The limit of a frame several times: its bytes, its text, and what is not yet collected. */
const maxGrowthMiB = 450;

function assertGrowth(what: string, mebibytes: number): void {
  console.log(`${what}: grew by ${mebibytes} MiB`);
  assert.ok(mebibytes < maxGrowthMiB, `grew by ${mebibytes} MiB`);
}

/** Looks at the memory of the process until asked how much it grew at most, in MiB. */
function watchMemory(t: TestContext): () => number {
  const before = process.memoryUsage.rss();
  let most = before;
  const look = () => most = Math.max(most, process.memoryUsage.rss());
  const watch = setInterval(look, 1);
  t.defer(() => clearInterval(watch));
  return () => {
    look();
    return (most - before) >> 20;
  };
}

/** A gigabyte of the text, over and over, compressed; never whole in memory here. */
async function bombOf(encoding: "gzip" | "br", text: string): Promise<Uint8Array> {
  const compress = encoding === "gzip"
    ? createGzip()
    : createBrotliCompress({ params: { [constants.BROTLI_PARAM_QUALITY]: 3 } });
  const piece = Buffer.alloc(7 * 1024 * 1024, text);
  const pieces = Array.from({ length: 150 }, () => piece);
  const compressed: Uint8Array[] = [];
  for await (const chunk of Readable.from(pieces).pipe(compress)) compressed.push(chunk);
  return Buffer.concat(compressed);
}

test("[sse] retry: of all digits is not waited for", async (t) => {
  const answer = `${head("sse", "Connection: close\r\n")}retry: ${"9".repeat(400)}\n\n`;
  const { run } = await start(t, "sse", answer);
  await run.happened("stream.failed");
  const failed = run.events.find((event) => event.type === "stream.failed");
  assert.ok(failed && failed.retryInMs <= 2 * maxAskedMs, String(failed?.retryInMs));
});

for (const [name, id] of unsendableIds) {
  test(`[sse] an event id ${name} does not keep us from connecting again`, async (t) => {
    const answer = `${head("sse", "Connection: close\r\n")}id: ${id}\n${sseText(greeting)}`;
    const { relay } = await start(t, "sse", answer);
    await relay.hasSettled("good");
    const again = relay.requests.filter((request) => request.head.includes("/sse "))[1];
    assert.ok(!again?.head.toLowerCase().includes("last-event-id"), again?.head.slice(0, 500));
  });
}

test("[long_poll] of an answer of ten million messages the first thousand are looked at", async (t) => {
  const body = `${greeting.slice(0, -1)},"messages":[${"{},".repeat(10_000_000)}{}]}`;
  const { relay, run } = await start(t, "long_poll", pollAnswer(body));
  await relay.hasSettled("good");
  const ignored = run.events.filter(({ type }) => type === "stream.frame_ignored");
  assert.equal(ignored.length, 1_001);
});

/** The first stream request gets `answer`, each after it a good message. */
async function start(
  t: TestContext,
  transport: Transport,
  answer: Answer,
): Promise<{ readonly relay: HostileRelay; readonly run: Running }> {
  let streams = 0;
  const good = webhookText("good");
  const relay = await startScriptedRelay(t, (request: RawRequest) => {
    if (++streams > 1) {
      return request.write(
        transport === "sse"
          ? sseHead + sseText(greeting) + sseText(good)
          : pollAnswer(`${greeting.slice(0, -1)},"messages":[${good}]}`),
      );
    }
    if (answer === undefined) return request.socket.destroy();
    return request.write(answer).then(() => request.socket.end());
  });
  const target = await startTarget(t);
  return { relay, run: startConnector(t, settings(relay.url, target.url, transport)) };
}
