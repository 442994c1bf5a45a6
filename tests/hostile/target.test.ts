/** A target that answers as nobody should: each webhook comes to an honest end, and the next is delivered. */
import assert from "node:assert/strict";
import { gzipSync } from "node:zlib";
import { httpAnswer, type RawRequest, startRawServer } from "../support/raw_peer.ts";
import { publish, settings, startConnector, startDevRelay } from "../support/rig.ts";
import { test, type TestContext } from "../support/test.ts";

type Answer = (request: RawRequest) => unknown;
const say = (bytes: string | Uint8Array): Answer => (request) => request.write(bytes);
const sayAndEnd = (bytes: string | Uint8Array): Answer => (request) =>
  request.write(bytes).then(() => request.socket.end());

/** None of these is a delivery: the webhook comes again, with the next attempt. */
const failing: Record<string, Answer> = {
  "cut at once": (request) => request.socket.destroy(),
  "no HTTP": sayAndEnd("SSH-2.0-OpenSSH_9.2\r\n\r\n"),
  "a status that is none": sayAndEnd("HTTP/1.1 9999 Yes\r\n\r\n"),
  "a status of letters": sayAndEnd("HTTP/1.1 OK OK\r\n\r\n"),
  "a head that breaks off": sayAndEnd("HTTP/1.1 200 OK\r\nX-A: a"),
  "a head of a megabyte": sayAndEnd(`HTTP/1.1 200 OK\r\nX-A: ${"a".repeat(1_000_000)}\r\n\r\n`),
  "a head of a hundred thousand lines": sayAndEnd(
    `HTTP/1.1 200 OK\r\n${"X-A: a\r\n".repeat(100_000)}\r\n`,
  ),
  "a header without a colon": sayAndEnd("HTTP/1.1 200 OK\r\nnonsense\r\n\r\n"),
  "a length that is none": sayAndEnd("HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n"),
  "two lengths": sayAndEnd("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxx"),
  "an upgrade nobody asked for": say(
    "HTTP/1.1 101 Yes\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n",
  ),
  "a redirect to the metadata service": say(
    httpAnswer("307 Go", "", "Location: http://169.254.169.254/latest/\r\n"),
  ),
  "only promises": say("HTTP/1.1 100 Continue\r\n\r\n".repeat(10_000)),
  "a head that comes byte by byte and never ends": (request) => {
    const timer = setInterval(() => void request.write("a"), 5);
    request.socket.on("close", () => clearInterval(timer));
    return request.write("HTTP/1.1 200 OK\r\nX-A: ");
  },
};

/** The status came: it decides, whatever the body does (DELIVERY.md). */
const succeeding: Record<string, Answer> = {
  "a body that breaks off": sayAndEnd("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nx"),
  "chunks that are none": sayAndEnd("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"),
  "a body that never ends": (request) => {
    const timer = setInterval(() => void request.write("x"), 5);
    request.socket.on("close", () => clearInterval(timer));
    return request.write("HTTP/1.1 200 OK\r\n\r\n");
  },
  "a gigabyte in a megabyte of gzip": (request) => {
    const bomb = gzipSync(Buffer.alloc(64 * 1024 * 1024));
    return request.write(
      Buffer.concat([
        Buffer.from(
          `HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: ${bomb.length}\r\n\r\n`,
        ),
        bomb,
      ]),
    );
  },
  "cookies, and a realm to sign in to": say(
    httpAnswer("200 OK", "", 'Set-Cookie: a=b\r\nWWW-Authenticate: Basic realm="x"\r\n'),
  ),
  "a status nobody has heard of": say(httpAnswer("299 Fine")),
};

for (const [name, answer] of Object.entries(failing)) {
  test(`a target that answers with ${name}: the webhook comes again`, async (t) => {
    const { got, run, deliver } = await start(t, answer);
    await deliver();
    assert.deepEqual(got.map(({ attempt }) => attempt), ["1", "2"]);
    assert.ok(run.events.some(({ type }) => type === "delivery.retrying"));
  });
}

for (const [name, answer] of Object.entries(succeeding)) {
  test(`a target that answers 2xx with ${name}: it counts, once, and the next one is delivered`, async (t) => {
    const { got, deliver } = await start(t, answer);
    await deliver();
    await deliver();
    assert.deepEqual(got.map(({ attempt }) => attempt), ["1", "1"]);
    for (const { head } of got) assert.doesNotMatch(head, /^cookie:/im);
  });
}

test("an answer nobody asked for yet is not taken for that of the next webhook", async (t) => {
  const twice = httpAnswer("200 OK", "ok") + httpAnswer("200 OK", "forged");
  const { got, deliver } = await start(t, say(twice));
  await deliver();
  await deliver();
  assert.deepEqual(got.map(({ attempt }) => attempt), ["1", "1"]);
});

for (const value of ["9".repeat(400), "-1", "1e9", "Fri, 31 Dec 275759 23:59:59 GMT", "\x01"]) {
  test(`a target's Retry-After: ${JSON.stringify(value.slice(0, 31))} holds nothing up`, async (t) => {
    const { got, run, deliver } = await start(
      t,
      say(httpAnswer("503 No", "", `Retry-After: ${value}\r\n`)),
    );
    await deliver();
    assert.deepEqual(got.map(({ attempt }) => attempt), ["1", "2"]);
    for (const event of run.events) {
      if (event.type === "delivery.retrying") assert.ok(event.delayMs <= 50, `${event.delayMs}`);
    }
  });
}

/** The first request is answered as told, every other with 200. `deliver` sends one webhook to its end. */
async function start(t: TestContext, first: Answer) {
  const got: { readonly head: string; readonly attempt: string | undefined }[] = [];
  const target = await startRawServer(t, (request) => {
    const attempt = /^x-webhook-attempt: *(\d+)/im.exec(request.head)?.[1];
    got.push({ head: request.head, attempt });
    return got.length === 1 ? first(request) : request.write(httpAnswer("200 OK"));
  });
  const relay = await startDevRelay(t);
  const run = startConnector(
    t,
    settings(relay.url, new URL(target.url), "websocket", {
      default_target: { timeout_seconds: 0.5 },
    }),
  );
  let delivered = 0;
  return {
    got,
    run,
    async deliver() {
      await publish(relay, "x");
      await run.happened("settlement.confirmed", ++delivered);
    },
  };
}
