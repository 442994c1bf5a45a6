/** What relays on one JetStream tell each other may get lost: what is there is found all the same. */
import assert from "node:assert/strict";
import { AckPolicy, jetstreamManager } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";
import { headersOf } from "../../src/relay/jetstream/message_codec.ts";
import type { Store } from "../../src/relay/store.ts";
import { ManualClock } from "../support/manual_clock.ts";
import { onNats, startNats } from "../support/nats_server.ts";
import { message, openStore } from "../support/nats_store.ts";

/** Has room; resolves when it is woken for the first time by another relay. */
function attach(store: Store): Promise<void> {
  return new Promise((resolve) =>
    store.shared?.attach({
      hasRoom: true,
      wake: resolve,
      settle: () => Promise.resolve("unknown"),
      extend: () => Promise.resolve(0),
    })
  );
}

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
    const woken = attach(there);
    await here.append(message("a"), Date.now() + 1e6, Date.now());
    await woken;
    assert.equal((await here.take(Date.now()))?.envelope.id, "a");
    assert.equal(await there.take(clock.now()), undefined);
    await here.release("a", Date.now() + 50); // the others are not told of what is not ready
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
