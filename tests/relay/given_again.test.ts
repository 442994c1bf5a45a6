/** A message that the NATS server gives out again while the relay that has it still waits for its settlement. */
import assert from "node:assert/strict";
import { jetstreamManager } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";
import { systemClock } from "../../src/async/clock.ts";
import { delay } from "../../src/async/delay.ts";
import { ManualClock } from "../support/manual_clock.ts";
import { onNats, startNats } from "../support/nats_server.ts";
import { attach, message, openStore } from "../support/nats_store.ts";

onNats("what is in hand is not handed out again, and one ack settles it", async (t) => {
  const nats = await startNats(t);
  const clock = new ManualClock(Date.now());
  const store = await openStore(t, nats, {}, clock);
  attach(store);
  await store.append(message("a"), clock.now() + 1e9, clock.now());
  assert.equal((await store.take(clock.now()))?.envelope.id, "a");
  const nc = await connect({ servers: nats.url });
  t.defer(() => nc.close());
  const { consumers } = await jetstreamManager(nc);
  const consumer = ["hookferry-messages-c", "hook"] as const;
  await consumers.update(...consumer, { ack_wait: 1e8 }); // by itself the relay's time ends first
  do {
    await clock.advance(2_000);
    assert.equal(await store.take(clock.now()), undefined);
  } while ((await consumers.info(...consumer)).num_redelivered === 0);
  assert.equal(store.stats(clock.now()).inFlight, 1);
  assert.equal(await store.ack("a"), true);
  assert.equal(await store.ack("a"), false);
  await store.shared?.refresh("totals");
  assert.deepEqual(
    [store.stats(clock.now()).queued, (await consumers.info(...consumer)).num_ack_pending],
    [0, 0],
  );
});

onNats("what lies there twice is in hand once at a time", async (t) => {
  const clock = new ManualClock(Date.now());
  const store = await openStore(t, await startNats(t), { ackTimeoutMs: 100 }, clock);
  attach(store);
  for (let n = 0; n < 2; n++) await store.append(message("a"), clock.now() + 1e9, clock.now());
  assert.equal((await store.take(clock.now()))?.envelope.sequence, 1);
  assert.equal(await store.take(clock.now()), undefined);
  assert.equal(await store.ack("a"), true);
  const again = async () => {
    await clock.advance(2_000);
    return await store.take(clock.now());
  };
  let second = await again();
  while (!second) second = await again();
  assert.equal(second.envelope.sequence, 2);
});

onNats(
  "what the server is slow to give out again is asked for again, before any sweep",
  async (t) => {
    const store = await openStore(t, await startNats(t)); // no relay, so nothing sweeps
    await store.append(message("a"), Date.now() + 1e9, Date.now());
    const taken = async () => {
      for (;;) {
        const message = await store.take(Date.now());
        if (message) return message.envelope.id;
        const ms = store.readyInMs();
        assert.ok(ms !== undefined, "it is asked for again");
        await delay(ms, { clock: systemClock });
      }
    };
    for (const at of [1, 2, 3]) {
      assert.equal(await taken(), "a");
      await store.release("a", 1, { at, reason: "nacked", connectorId: "k1" });
    }
    assert.equal(await taken(), "a"); // it takes the server longer than the one millisecond
  },
);
