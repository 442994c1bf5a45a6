/** Somebody sets the clock of a relay on JetStream, by hours: nothing waits for it. */
import assert from "node:assert/strict";
import { connect } from "@nats-io/transport-node";
import { laneRule } from "../../src/relay/lane.ts";
import { ManualClock } from "../support/manual_clock.ts";
import { startNode } from "../support/nats_node.ts";
import { onNats, startNats } from "../support/nats_server.ts";
import { attach, message, openStore } from "../support/nats_store.ts";

const back = -7_200_000;

onNats("what was nacked waits as long as it should, with the clock set back", async (t) => {
  const clock = new ManualClock(Date.now());
  const lanes = laneRule({ kind: "channel" });
  // A server (2.9 does) may give it to a pull that is over in that moment: then it comes after the ack wait, by its clock.
  const settings = { lanes, ackTimeoutMs: 5_000 };
  const store = await openStore(t, await startNats(t), settings, clock);
  attach(store);
  await store.append(message("a"), clock.now() + 1e9, clock.now());
  const take = async () => (await store.take(clock.now()))?.envelope.id;
  assert.equal(await take(), "a");
  await store.release("a", 100);
  clock.jump(back);
  assert.equal(store.readyInMs(), 100);
  await clock.advance(100);
  const since = clock.monotonic();
  while (await take() !== "a") await clock.advance(2_000); // the server goes by its own clock
  assert.ok(clock.monotonic() - since < -back);
});

onNats("what somebody else published is named as long as it is found", async (t) => {
  const nats = await startNats(t);
  const clock = new ManualClock(Date.now());
  const { relay, post } = await startNode(t, nats, { kind: "none" }, clock);
  const other = await connect({ servers: nats.url });
  t.defer(() => other.close());
  await other.request("hookferry.messages.dev.hook.hook.x", "not a message");
  await post("hook", "x");
  const statusOf = async (path: string) => {
    const answer = await fetch(`${relay.url}${path}`, {
      headers: { Authorization: "Bearer s3cret" },
    });
    await answer.body?.cancel();
    return answer.status;
  };
  assert.equal(await statusOf("/connect/stream/dev/poll?timeout=30"), 200);
  assert.equal(await statusOf("/readyz"), 503);
  clock.jump(back);
  await clock.advance(120_000);
  assert.equal(await statusOf("/readyz"), 200);
});
