import assert from "node:assert/strict";
import type { ServerResponse } from "node:http";
import { systemClock } from "../../src/async/clock.ts";
import { Secret } from "../../src/config/secret.ts";
import type { Settlement } from "../../src/flow.ts";
import { createFetch } from "../../src/runtime/fetch.ts";
import { createPostFrames } from "../../src/transport/post_frames.ts";
import { startHttpServer } from "../support/http_server.ts";
import { test } from "../support/test.ts";

test("where the relay takes one settlement a request, 32 are under way and never more", async (t) => {
  const count = 100;
  const atATime = 32;
  const held: ServerResponse[] = [];
  let came = 0;
  let most = 0;
  const { url } = await startHttpServer(t, ({ method }, response) => {
    if (method === "GET") {
      for (const one of [...held.splice(0), response]) one.end('{"status":"ok"}');
      return;
    }
    most = Math.max(most, held.push(response));
    // With fewer at a time nobody is ever answered; whoever asks now comes behind those that were sent with them.
    if (++came === count || held.length === atATime) void fetch(url).then((got) => got.text());
  });
  const tls = { verify: true, ca: undefined, cert: undefined, key: undefined };
  const client = createFetch({ tls, proxy: undefined });
  t.defer(client.close);
  const post = createPostFrames({
    url: new URL(url),
    channel: "dev",
    token: new Secret("s3cret"),
    connectorId: "c",
    tls,
    proxy: undefined,
    fetch: client.fetch,
    clock: systemClock,
    maxInFlight: 1,
    maxInFlightBytes: 1,
    heartbeatTimeoutMs: 1,
    pollTimeoutMs: 1,
    ackTimeoutMs: 60_000,
  });
  const settlements = Array.from({ length: count }, (_, n): Settlement => {
    return { messageId: `msg_${n}`, connectionId: "c1", verdict: "ack" };
  });
  const taken = await post({ type: "settle", settlements }, [], new AbortController().signal);
  assert.equal(taken.length, count);
  assert.equal(most, atATime);
});
