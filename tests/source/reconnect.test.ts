/** Requirement 9: when the reconnect loop tries again. */
import assert from "node:assert/strict";
import { WebSocketServer } from "ws";
import { type RelayFrame, StreamFailure, type Transport } from "../../src/flow.ts";
import type { Random } from "../../src/async/clock.ts";
import type { Observe } from "../../src/observe/events.ts";
import { Pause } from "../../src/source/pause.ts";
import { createSource } from "../../src/source/source.ts";
import { chooseTransport } from "../../src/transport/choose.ts";
import { startHttpServer } from "../support/http_server.ts";
import { ManualClock } from "../support/manual_clock.ts";
import { settings, startConnector } from "../support/rig.ts";
import { seededRandom } from "../../src/async/seeded_random.ts";
import { test } from "../support/test.ts";

const nowhere = new URL("http://127.0.0.1:1/");

function delays(run: ReturnType<typeof startConnector>): number[] {
  return run.events.flatMap((event) => event.type === "stream.failed" ? [event.retryInMs] : []);
}

/** Delays of these tests are those of the defaults. */
const defaults = { reconnect_delay: 1, max_reconnect_delay: 60 };

/** A source over one transport, with what these tests do not look at. */
function sourceOver(
  transport: Transport,
  clock: ManualClock,
  given: { maxConnectAttempts?: () => number; random?: Random; observe?: Observe } = {},
) {
  const { maxConnectAttempts = () => 0, random = Math.random, observe = () => {} } = given;
  const transports = chooseTransport([transport]);
  return createSource({
    way: () => ({
      transports,
      backoff: { baseMs: 1_000, capMs: 60_000, multiplier: 2, floorMs: 100 },
      heartbeatTimeoutMs: 1e9,
      connectionTimeoutMs: 1e9,
      dropIdle: () => {},
      ackTimeoutMs: 1e9,
      fallbackRetryMs: 1e9,
      maxConnectAttempts: maxConnectAttempts(),
      exitOnRejected: false,
    }),
    onHeard: () => {},
    pause: new Pause(clock, () => {}),
    untold: [],
    onConfirmed: () => {},
    clock,
    random,
    observe,
  });
}

for (const protocol of ["websocket", "sse", "long_poll"] as const) {
  test(`requirement 9: [${protocol}] Retry-After is honoured, with jitter behind it only`, async (t) => {
    const { server, url } = await startHttpServer(t, (_request, response) => {
      response.writeHead(503, { "Retry-After": "77" }).end();
    });
    server.on("upgrade", (_request, socket) => {
      socket.end(
        "HTTP/1.1 503 Busy\r\nRetry-After: 77\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
      );
    });
    const run = startConnector(t, settings(url, nowhere, protocol, defaults), {
      clock: new ManualClock(),
    });
    await run.happened("stream.failed");
    const [delay = 0] = delays(run);
    assert.ok(delay >= 77_000 && delay <= 77_000 * 1.2, String(delay));
  });
}

for (const how of ["ends", "breaks off"] as const) {
  test(`requirement 9: the retry: field of a stream is honoured when it ${how}`, async (t) => {
    const { promise: isConnected, resolve: connected } = Promise.withResolvers<void>();
    const { url } = await startHttpServer(t, async (_request, response) => {
      response.writeHead(200, { "Content-Type": "text/event-stream" });
      response.write(
        'retry: 45000\nevent: connected\ndata: {"connection_id":"c","channel":"dev"}\n\n',
      );
      await isConnected;
      if (how === "ends") response.end();
      else response.destroy();
    });
    const run = startConnector(t, settings(url, nowhere, "sse", defaults), {
      clock: new ManualClock(),
    });
    await run.happened("stream.connected");
    connected();
    await run.happened("stream.failed");
    const [delay = 0] = delays(run);
    assert.ok(delay >= 45_000 && delay <= 45_000 * 1.2, String(delay));
  });
}

test("requirement 9: connecting alone does not reset the backoff, staying connected does", async (t) => {
  const clock = new ManualClock();
  const { server, url } = await startHttpServer(t);
  const wss = new WebSocketServer({ server });
  t.defer(() => wss.close());
  let stayMs = 0;
  wss.on("connection", (socket) => {
    socket.send('{"type":"connected","connection_id":"c","channel":"dev"}');
    if (stayMs === 0) socket.close(1001);
  });
  const run = startConnector(t, settings(url, nowhere, "websocket", defaults), {
    clock,
    random: () => 1 - Number.EPSILON,
  });
  for (let n = 1; n <= 4; n++) {
    await run.happened("stream.failed", n);
    if (n === 4) stayMs = 20_000;
    await clock.advance(delays(run)[n - 1] ?? 0);
  }
  assert.deepEqual(delays(run).map(Math.round), [1_000, 2_000, 4_000, 8_000]);
  await run.happened("stream.connected", 5);
  await clock.advance(stayMs);
  for (const socket of wss.clients) socket.terminate();
  await run.happened("stream.failed", 5);
  assert.equal(Math.round(delays(run)[4] ?? 0), 1_000);
});

test("a limit on attempts in a row ends the connector with the last failure", async (t) => {
  const run = startConnector(
    t,
    settings("http://127.0.0.1:1", nowhere, "websocket", { max_connect_attempts: 3 }),
  );
  await assert.rejects(run.ended, (error) => {
    assert.ok(error instanceof StreamFailure);
    assert.match(error.message, /connection refused|cannot connect/);
    return true;
  });
  assert.equal(delays(run).length, 2);
});

test("a limit that is set below the attempts already made ends the connector with the next failure", async () => {
  const clock = new ManualClock();
  const failures = 5;
  let failed = 0;
  let maxConnectAttempts = 0;
  const transport: Transport = {
    name: "websocket",
    connect: () => Promise.reject(new StreamFailure("network", `refused ${failed + 1}`)),
  };
  const { signal } = new AbortController();
  const source = sourceOver(transport, clock, {
    maxConnectAttempts: () => maxConnectAttempts,
    observe({ type }) {
      if (type === "stream.failed" && ++failed === failures) maxConnectAttempts = 3;
    },
  });
  const ended = (async () => {
    for await (const _ of source({ drain: signal, abort: signal }));
  })();
  const rejected = assert.rejects(ended, /refused 6/);
  await clock.advance(600_000);
  await rejected;
  assert.equal(failed, failures);
});

test("a connection that was lost is no attempt that failed: the limit counts those that come after it", async () => {
  const clock = new ManualClock();
  let opened = 0;
  const transport: Transport = {
    name: "websocket",
    connect() {
      if (++opened > 1) return Promise.reject(new StreamFailure("network", `refused ${opened}`));
      return Promise.resolve({
        async *[Symbol.asyncIterator]() {
          yield {
            type: "connected",
            connectionId: "c1",
            channel: "dev",
            capabilities: [],
          } as const;
        },
        send: () => Promise.resolve([]),
        [Symbol.asyncDispose]: () => Promise.resolve(),
      });
    },
  };
  const { signal } = new AbortController();
  const source = sourceOver(transport, clock, { maxConnectAttempts: () => 2 });
  const ended = (async () => {
    for await (const _ of source({ drain: signal, abort: signal }));
  })();
  const rejected = assert.rejects(ended, /refused 3/);
  await clock.advance(600_000);
  await rejected;
});

test("a stream of an old relay that brings nothing for half a day is opened anew, one of ours is not", async () => {
  for (const [capabilities, connections] of [[[], 3], [["extend"], 1]] as const) {
    const clock = new ManualClock();
    let opened = 0;
    const transport: Transport = {
      name: "sse",
      connect: () => {
        opened++;
        const closed = Promise.withResolvers<void>();
        return Promise.resolve({
          async *[Symbol.asyncIterator](): AsyncGenerator<RelayFrame> {
            yield { type: "connected", connectionId: `c${opened}`, channel: "dev", capabilities };
            await closed.promise;
          },
          send: () => Promise.resolve([]),
          [Symbol.asyncDispose]: () => Promise.resolve(closed.resolve()),
        });
      },
    };
    const drain = new AbortController();
    const ended: string[] = [];
    const source = sourceOver(transport, clock, {
      observe(event) {
        if (event.type === "stream.disconnected") ended.push(event.reason);
      },
    });
    const run = (async () => {
      for await (const _ of source({ drain: drain.signal, abort: drain.signal }));
    })();
    for (let hour = 0; hour < 26; hour++) await clock.advance(3_600_000);
    assert.equal(opened, connections);
    assert.equal(
      ended.filter((reason) => /may have forgotten it/.test(reason)).length,
      connections - 1,
    );
    drain.abort();
    await run;
  }
});

test("requirement 9: a thousand clients do not come back together after an outage", async (t) => {
  const clock = new ManualClock();
  const startedAt = clock.now();
  const outageMs = 60_000;
  const arrivals: number[] = [];
  const life = new AbortController();
  const clients: Promise<void>[] = [];
  for (let i = 0; i < 1_000; i++) {
    const transport: Transport = {
      name: "websocket",
      connect() {
        const at = clock.now() - startedAt;
        if (at < outageMs) return Promise.reject(new StreamFailure("network", "refused"));
        arrivals.push(at - outageMs);
        life.signal.throwIfAborted();
        return new Promise(() => {}); // what happens after the arrival is of no interest
      },
    };
    const source = sourceOver(transport, clock, { random: seededRandom(i) });
    clients.push((async () => {
      for await (const _ of source({ drain: life.signal, abort: life.signal }));
    })());
  }
  t.defer(() => life.abort());
  await clock.advance(outageMs + 61_000);
  assert.equal(arrivals.length, 1_000);
  const perSecond = new Map<number, number>();
  for (const at of arrivals) {
    const second = Math.floor(at / 1_000);
    perSecond.set(second, (perSecond.get(second) ?? 0) + 1);
  }
  const peak = Math.max(...perSecond.values());
  assert.ok(peak <= 60, `${peak} of 1000 in one second`);
  assert.ok(perSecond.size >= 30, `all within ${perSecond.size} seconds`);
});
