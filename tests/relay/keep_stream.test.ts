import assert from "node:assert/strict";
import { NatsServer } from "../../src/relay/jetstream/connection.ts";
import { onNats, startNats } from "../support/nats_server.ts";

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
