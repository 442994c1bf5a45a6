import assert from "node:assert/strict";
import { NatsServer } from "../../src/relay/jetstream/connection.ts";
import { onNats, startNats } from "../support/nats_server.ts";
import { openStore } from "../support/nats_store.ts";

onNats("relays that make a stream in the same moment all have it", async (t) => {
  const { address } = await startNats(t);
  const relays = await Promise.all([1, 2, 3, 4].map(() => NatsServer.connect(address)));
  for (const relay of relays) t.defer(() => relay.close());
  for (let n = 0; n < 300; n++) {
    const config = { name: `s${n}`, subjects: [`x${n}.>`] };
    await Promise.all(relays.map((relay) => relay.keepStream(config)));
  }
});

onNats("a stream whose subjects another one has is refused", async (t) => {
  const { address } = await startNats(t);
  const relay = await NatsServer.connect(address);
  t.defer(() => relay.close());
  await relay.keepStream({ name: "one", subjects: ["x.>"] });
  await assert.rejects(relay.keepStream({ name: "other", subjects: ["x.a"] }), /overlap/);
});

onNats("for dead letters no more room is set aside than they can take", async (t) => {
  const nats = await startNats(t);
  // More than the server has; ten of them are at most ten of its messages.
  await openStore(t, nats, { maxDeadLetters: 10, maxDeadLetterBytes: 1e15 });
  const more = openStore(t, nats, { maxDeadLetters: 1e12, maxDeadLetterBytes: 1e15 });
  await assert.rejects(more, /insufficient storage/);
});
