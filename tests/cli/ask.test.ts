import assert from "node:assert/strict";
import { once } from "node:events";
import { ask } from "../../src/cli/ask.ts";
import { ManualClock } from "../support/manual_clock.ts";
import { httpAnswer, type RawRequest, startRawServer } from "../support/raw_peer.ts";
import { test } from "../support/test.ts";

test("a command says once how long it wants the connection, and closes it with the end of the answer", async (t) => {
  const closed = Promise.withResolvers<unknown>();
  const server = await startRawServer(t, (request) => {
    void once(request.socket, "close").then(closed.resolve);
    return request.write(httpAnswer("200 OK", "well", "Connection: keep-alive\r\n"));
  });
  const response = await ask(server.url);
  assert.equal(await response.text(), "well");
  await closed.promise;
  assert.equal(server.requests[0]?.head.match(/^connection:/gim)?.length, 1);
});

for (
  const [what, answer] of [
    ["accepts and says nothing", () => {}],
    [
      "stops in the middle of its answer",
      (request: RawRequest) => request.write("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"),
    ],
  ] as const
) {
  test(`a command waits ten seconds for a server that ${what}`, async (t) => {
    const clock = new ManualClock();
    const asked = Promise.withResolvers<unknown>();
    const server = await startRawServer(t, (request) => asked.resolve(answer(request)));
    const text = ask(server.url, { clock }).then((response) => response.text());
    await asked.promise;
    const refused = assert.rejects(text, /no answer within 10 s/);
    await clock.advance(10_000);
    await refused;
  });
}

test("what is read as it comes has its time for the head alone", async (t) => {
  const clock = new ManualClock();
  let request: RawRequest | undefined;
  const server = await startRawServer(t, (got) => {
    request = got;
    return got.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\na");
  });
  const response = await ask(server.url, { clock, untilHead: true });
  await clock.advance(10_000);
  await request?.write("b");
  assert.equal(await response.text(), "ab");
});
