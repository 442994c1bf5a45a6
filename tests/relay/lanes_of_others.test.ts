/** What relays and their JetStream tell each other may get lost: what is there is found all the same. */
import assert from "node:assert/strict";
import { AckPolicy, jetstreamManager } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";
import { laneRule } from "../../src/relay/lane.ts";
import { headersOf } from "../../src/relay/jetstream/message_codec.ts";
import { type Store, StoreUnavailableError } from "../../src/relay/store.ts";
import { ManualClock } from "../support/manual_clock.ts";
import { onNats, startNats } from "../support/nats_server.ts";
import { startProxy } from "../support/proxy.ts";
import { attach, message, openStore } from "../support/nats_store.ts";

/** The next message, however often that has to be looked for. */
async function found(store: Store, clock: ManualClock): Promise<string> {
  for (;;) {
    await clock.advance(2_000);
    const taken = await store.take(clock.now());
    if (taken) return taken.envelope.id;
  }
}

onNats(
  "what one relay gave back is found by another that did not make its lane",
  async (t) => {
    const nats = await startNats(t);
    const clock = new ManualClock(Date.now());
    const [here, there] = [await openStore(t, nats), await openStore(t, nats, {}, clock)];
    const woken = new Promise<void>((resolve) => attach(there, true, resolve));
    await here.append(message("a"), Date.now() + 1e6, Date.now());
    await woken;
    assert.equal((await here.take(Date.now()))?.envelope.id, "a");
    assert.equal(await there.take(clock.now()), undefined);
    await here.release("a", 50); // the others are not told of what is not ready
    assert.equal(await found(there, clock), "a");
  },
);

onNats("a lane that a relay was not told of is found", async (t) => {
  const nats = await startNats(t);
  const clock = new ManualClock(Date.now());
  const store = await openStore(t, nats, {}, clock);
  attach(store);
  assert.equal(await store.take(clock.now()), undefined);
  const nc = await connect({ servers: nats.url });
  t.defer(() => nc.close());
  const jsm = await jetstreamManager(nc);
  await jsm.consumers.add("hookferry-messages-c", {
    durable_name: "hook",
    filter_subject: "hookferry.messages.c.hook.>",
    ack_policy: AckPolicy.Explicit,
  });
  const headers = headersOf(message("a"), Date.now() + 1e9);
  await nc.request("hookferry.messages.c.hook.hook.a", "", { headers, timeout: 5_000 });
  assert.equal(await found(store, clock), "a");
});

onNats("an ordered lane goes on after a settlement that the server did not answer", async (t) => {
  const nats = await startNats(t);
  const clock = new ManualClock(Date.now());
  const lanes = laneRule({ kind: "key", from: "webhook_id" });
  const proxy = await startProxy(t, nats.url);
  const address = { ...nats.address, servers: [new URL(proxy.url).host] };
  const store = await openStore(t, { ...nats, address }, { lanes }, clock);
  attach(store);
  for (const id of ["a1", "b1", "a2", "b2"]) {
    await store.append({ ...message(id), webhookId: id.slice(0, 1) }, Date.now() + 1e9, 0);
  }
  assert.deepEqual([await found(store, clock), await found(store, clock)].toSorted(), ["a1", "b1"]);
  proxy.stall();
  const reason = { at: 0, reason: "rejected", connectorId: "k1" };
  const settled = await Promise.allSettled([store.ack("a1"), store.bury("b1", reason)]);
  for (const one of settled) {
    assert.ok(one.status === "rejected" && one.reason instanceof StoreUnavailableError);
  }
  proxy.cut(); // over the next connection it answers
  // Both are still there, and come again when the server's time for them is over: it is made short here.
  const nc = await connect({ servers: nats.url });
  t.defer(() => nc.close());
  const { consumers } = await jetstreamManager(nc);
  for await (const { name } of consumers.list("hookferry-messages-c")) {
    await consumers.update("hookferry-messages-c", name, { ack_wait: 1e9 });
  }
  while (await store.purge(0).catch(() => 1)); // until it is there again
  assert.deepEqual([await found(store, clock), await found(store, clock)].toSorted(), ["a1", "b1"]);
});

onNats("what a server gives out too late is given back, and comes again at once", async (t) => {
  const nats = await startNats(t);
  const proxy = await startProxy(t, nats.url);
  const address = { ...nats.address, servers: [new URL(proxy.url).host] };
  const lanes = laneRule({ kind: "channel" });
  const store = await openStore(t, { ...nats, address }, { lanes, ackTimeoutMs: 1e6 });
  const woken = Promise.withResolvers<void>();
  attach(store, false, () => woken.resolve());
  await store.append(message("a"), Date.now() + 1e9, Date.now());
  const release = proxy.hold();
  assert.equal(await store.take(Date.now()), undefined, "it was not heard of");
  release();
  await woken.promise;
  let again = await store.take(Date.now());
  while (!again) again = await store.take(Date.now());
  assert.deepEqual([again.envelope.id, again.deliveries], ["a", 1]);
});
