/** Leases that the connector extends, over every transport. */
import assert from "node:assert/strict";
import { systemClock } from "../../src/async/clock.ts";
import type { Connection, ConnectorFrame, RelayFrame, Transport } from "../../src/flow.ts";
import type { RelayEvent } from "../../src/relay/relay_events.ts";
import { createFetch } from "../../src/runtime/fetch.ts";
import { longPollTransport } from "../../src/transport/long_poll.ts";
import type { RelayEndpoint } from "../../src/transport/relay_endpoint.ts";
import { sseTransport } from "../../src/transport/sse.ts";
import { websocketTransport } from "../../src/transport/websocket.ts";
import { ManualClock } from "../support/manual_clock.ts";
import { startOldRelay } from "../support/old_relay.ts";
import { publish, settings, startDevRelay } from "../support/rig.ts";
import { test, type TestContext } from "../support/test.ts";
import { turnsUntil } from "../support/turns_until.ts";

const transports = {
  websocket: websocketTransport,
  sse: sseTransport,
  long_poll: longPollTransport,
} satisfies Record<string, (relay: RelayEndpoint) => Transport>;

interface Opened {
  readonly connection: Connection;
  /** Paths of the POSTs that were made. */
  readonly posted: readonly string[];
  /** Resolves with the n-th frame of the type. */
  frame<Type extends RelayFrame["type"]>(
    type: Type,
    n?: number,
  ): Promise<Extract<RelayFrame, { type: Type }>>;
}

async function open(
  t: TestContext,
  protocol: keyof typeof transports,
  relayUrl: string,
): Promise<Opened> {
  const { source } = settings(relayUrl, new URL("http://127.0.0.1:1/"), protocol);
  const http = createFetch(source);
  const posted: string[] = [];
  const link = new AbortController();
  const endpoint: RelayEndpoint = {
    ...source,
    connectorId: "k1",
    clock: systemClock,
    maxInFlight: 10,
    maxInFlightBytes: 1_000_000,
    fetch(url, init) {
      if (init.method === "POST") posted.push(url.pathname);
      return http.fetch(url, init);
    },
  };
  const connection = await transports[protocol](endpoint)
    .connect({ abort: link.signal, heard() {}, pause() {} });
  const frames: RelayFrame[] = [];
  const reading = (async () => {
    for await (const frame of connection) frames.push(frame);
  })().catch(() => {});
  t.defer(async () => {
    link.abort(new DOMException("the test is over", "AbortError"));
    await connection[Symbol.asyncDispose]();
    await reading;
    await http.close();
  });
  return {
    connection,
    posted,
    async frame<Type extends RelayFrame["type"]>(type: Type, n = 1) {
      const isIt = (frame: RelayFrame): frame is Extract<RelayFrame, { type: Type }> =>
        frame.type === type;
      await turnsUntil(() => frames.filter(isIt).length >= n);
      const found = frames.filter(isIt)[n - 1];
      assert.ok(found);
      return found;
    },
  };
}

for (const protocol of ["websocket", "sse", "long_poll"] as const) {
  const contract = (name: string, body: Parameters<typeof test>[1]) =>
    test(`[${protocol}] ${name}`, body);

  contract("the lease of a message in hand is extended as often as asked, then ends", async (t) => {
    const clock = new ManualClock();
    const events: RelayEvent[] = [];
    const relay = await startDevRelay(t, { ackTimeoutMs: 30_000, maxDeliveries: 1 }, {
      clock,
      observe: (event) => void events.push(event),
    });
    const channel = relay.registry.named("dev")?.channel;
    const id = await publish(relay, "x");
    const { connection, frame } = await open(t, protocol, relay.url);
    const { connectionId, ackTimeoutMs } = await frame("connected");
    assert.equal(ackTimeoutMs, 30_000);
    await frame("webhook");
    for (let n = 1; n <= 5; n++) {
      await clock.advance(29_000);
      if (protocol === "websocket") await connection.send({ type: "heartbeat" });
      await connection.send({ type: "extend", messageIds: [id, "unknown"], connectionId });
      if (protocol === "websocket") await isRead(connection, frame, n);
    }
    assert.equal(events.some(({ type }) => type === "relay.lease_expired"), false);
    assert.equal(channel?.stats.inFlight, 1);
    await clock.advance(29_999);
    assert.equal(channel?.stats.inFlight, 1);
    await clock.advance(1);
    assert.equal(events.filter(({ type }) => type === "relay.lease_expired").length, 1);
  });

  contract("what is given back untried is not counted as delivered", async (t) => {
    const relay = await startDevRelay(t, { maxDeliveries: 1 });
    const id = await publish(relay, "x");
    const { connection, frame } = await open(t, protocol, relay.url);
    const { connectionId } = await frame("connected");
    await frame("webhook");
    const nack = { messageId: id, connectionId, verdict: "nack", retry: true } as const;
    await connection.send({ type: "settle", settlements: [{ ...nack, attempted: false }] });
    const channel = relay.registry.named("dev")?.channel;
    await turnsUntil(() => channel?.stats.inFlight === 0);
    assert.deepEqual([channel?.stats.queued, channel?.stats.deadLettered], [1, 0]);
  });

  contract("a relay of the old kind is never asked to extend", async (t) => {
    const relay = await startOldRelay(t, { clock: systemClock });
    relay.publish("x");
    const { connection, frame, posted } = await open(t, protocol, relay.url);
    const { envelope } = await frame("webhook");
    const { connectionId } = await frame("connected");
    const extend: ConnectorFrame = { type: "extend", messageIds: [envelope.id], connectionId };
    assert.deepEqual(await connection.send(extend), []);
    assert.deepEqual(posted, []);
  });
}

/** Frames of a socket are read in order: the relay answers what comes after the others. */
async function isRead(connection: Connection, frame: Opened["frame"], n: number): Promise<void> {
  const ack = { messageId: `unknown-${n}`, connectionId: "", verdict: "ack" } as const;
  await connection.send({ type: "settle", settlements: [ack] });
  await frame("settled", n);
}
