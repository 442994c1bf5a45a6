import assert from "node:assert/strict";
import type { Connection } from "../../src/flow.ts";
import { openStream } from "../../src/source/open_stream.ts";
import { ManualClock } from "../support/manual_clock.ts";
import { test } from "../support/test.ts";

test("a stop between the connection and its stream ends it", async () => {
  const stop = new AbortController();
  const connection: Connection = {
    async *[Symbol.asyncIterator]() {},
    send: () => Promise.resolve([]),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
  const stream = await openStream(
    {
      name: "websocket",
      connect() {
        stop.abort();
        return Promise.resolve(connection);
      },
    },
    {
      heartbeatTimeoutMs: 1_000,
      connectionTimeoutMs: 1_000,
      onHeard() {},
      dropIdle() {},
      clock: new ManualClock(),
    },
    stop.signal,
  );
  await stream.close();
  assert.ok(stream.link.abort.aborted);
});
