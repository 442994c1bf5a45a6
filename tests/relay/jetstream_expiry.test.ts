/** What becomes of webhooks on JetStream whose time is over: each is put away, and none is lost on the way. */
import assert from "node:assert/strict";
import { type JetStreamManager, jetstreamManager } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";
import { NatsServer } from "../../src/relay/jetstream/connection.ts";
import { DeadLetters } from "../../src/relay/jetstream/dead_letters.ts";
import { type Store, StoreUnavailableError } from "../../src/relay/store.ts";
import { ManualClock } from "../support/manual_clock.ts";
import { startNode } from "../support/nats_node.ts";
import { onNats, startNats, type TestNats } from "../support/nats_server.ts";
import { attach, message, openStore } from "../support/nats_store.ts";
import type { TestContext } from "../support/test.ts";

const now = Date.now();
const many = { maxMessages: 100, maxDeadLetters: 100 };

async function manager(t: TestContext, { url }: TestNats): Promise<JetStreamManager> {
  const nc = await connect({ servers: url });
  t.defer(() => nc.close());
  return await jetstreamManager(nc);
}

/** Messages that have expired: `0`, `1` and so on. */
async function appendExpired(store: Store, count: number): Promise<void> {
  for (let n = 0; n < count; n++) await store.append(message(String(n)), now - 1, now - 2);
}

async function lettersOf(store: Store): Promise<readonly string[]> {
  return (await store.deadLetters(100)).map(({ message }) => message.envelope.id);
}

onNats("what has expired and cannot be put away stays until it can", async (t) => {
  const nats = await startNats(t);
  const store = await openStore(t, nats, { maxMessages: 1 });
  await appendExpired(store, 1);
  await (await manager(t, nats)).streams.delete("hookferry-dead-c");
  await assert.rejects(store.purge(now), StoreUnavailableError);
  await assert.rejects(store.append(message("next"), now + 1e6, now), StoreUnavailableError);
  await assert.rejects(async () => {
    while (!await store.take(now));
  }, StoreUnavailableError);
  const again = await openStore(t, nats, { maxMessages: 1 });
  assert.equal(await again.append(message("next"), now + 1e6, now), 2, "there is room for it");
  assert.deepEqual(await lettersOf(again), ["0"]);
});

onNats("a relay that is stopped while it purges loses nothing", async (t) => {
  const nats = await startNats(t);
  const clock = new ManualClock(now);
  const node = await startNode(t, nats, { kind: "none" }, clock);
  for (let n = 0; n < 100; n++) await node.post("hook", String(n));
  clock.jump(1e9);
  const purging = node.relay.registry.named("dev")?.channel.purge();
  await node.relay.stop(1_000);
  const purged = await purging ?? 0;
  const again = (await startNode(t, nats)).relay.registry.named("dev")?.channel;
  const letters = await again?.deadLetters(1_000);
  assert.deepEqual([letters?.length, again?.stats.queued], [purged, 100 - purged]);
});

onNats("what has expired at the relay that has it in hand is left to that", async (t) => {
  const nats = await startNats(t);
  const [here, there] = [await openStore(t, nats), await openStore(t, nats)];
  attach(here, false);
  await here.append(message("in hand"), now + 1_000, now);
  await here.append(message("behind it"), now + 1_000, now);
  assert.equal((await here.take(now))?.envelope.id, "in hand");
  assert.equal(await there.purge(now + 2_000), 1);
  assert.deepEqual(await lettersOf(there), ["behind it"]);
  assert.equal(await here.ack("in hand"), true);
  assert.deepEqual(await lettersOf(there), ["behind it"]);
});

onNats(
  "relays that purge at once put each message away once, and none away for good",
  async (t) => {
    const nats = await startNats(t);
    const stores = [await openStore(t, nats, many), await openStore(t, nats, many)];
    const [here] = stores;
    assert.ok(here);
    await appendExpired(here, 60);
    const purges = stores.map(async (store) => {
      while (await store.purge(now));
    });
    const claims = Array.from({ length: 20 }, (_, n) => here.claim(String(3 * n)));
    const [settled] = await Promise.all([Promise.all(claims), ...purges]);
    // What one of them left to the other goes when that is done.
    while (await here.purge(now));
    const delivered = settled.flatMap((isSettled, n) => isSettled ? [String(3 * n)] : []);
    const letters = await lettersOf(here);
    assert.deepEqual(
      [...delivered, ...letters].toSorted((a, b) => Number(a) - Number(b)),
      Array.from({ length: 60 }, (_, n) => String(n)),
    );
    const expired = stores.map((store) => store.stats(now).expired);
    assert.equal(expired.reduce((sum, count) => sum + count), letters.length);
  },
);

onNats(
  "what a relay put away and did not remove before it died is removed by another",
  async (t) => {
    const nats = await startNats(t);
    const store = await openStore(t, nats);
    await appendExpired(store, 1);
    const server = await NatsServer.connect(nats.address);
    t.defer(() => server.close());
    const { id, ...content } = message("0");
    const envelope = { id, ...content, sequence: 1, deliveryCount: 0 };
    const dying = new DeadLetters(server, "c");
    assert.ok(await dying.addExpired({ envelope, deliveries: 0, expiresAt: now - 1 }, [], now));
    assert.equal(await store.purge(now + 1_000), 0, "it may just be doing it");
    assert.equal(await store.purge(now + 120_000), 1);
    assert.deepEqual([await lettersOf(store), store.stats(now).queued], [["0"], 0]);
  },
);

onNats("a message lives as long as it was promised, whatever the server did before", async (t) => {
  const nats = await startNats(t);
  const jsm = await manager(t, nats);
  const first = await openStore(t, nats, { ttlMs: 1e9 });
  await first.append(message("a"), now + 1e9, now);
  const maxAge = async () => (await jsm.streams.info("hookferry-messages-c")).config.max_age;
  assert.equal(await maxAge(), 0);
  // As a build made it that left what is old to the server.
  await jsm.streams.update("hookferry-messages-c", { max_age: 1e15 });
  await openStore(t, nats, { ttlMs: 1_000 });
  assert.equal(await maxAge(), 0);
});
