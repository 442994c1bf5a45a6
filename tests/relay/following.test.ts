/** What one relay on JetStream makes of the channels that another one has. */
import assert from "node:assert/strict";
import { jetstreamManager } from "@nats-io/jetstream";
import { Kvm } from "@nats-io/kv";
import { connect } from "@nats-io/transport-node";
import type { ChannelRecord } from "../../src/relay/directory.ts";
import { ManualClock } from "../support/manual_clock.ts";
import { type Node, startNode } from "../support/nats_node.ts";
import { onNats, startNats, type TestNats } from "../support/nats_server.ts";
import type { TestContext } from "../support/test.ts";
import { turnsUntil } from "../support/turns_until.ts";

async function openBucket(t: TestContext, { url }: TestNats) {
  const nc = await connect({ servers: url });
  t.defer(() => nc.close());
  return await new Kvm(nc).open("hookferry-channels");
}

/** What a relay that nobody else knows of would save: the channel "dev" under another name. */
async function announce(t: TestContext, nats: TestNats, name: string): Promise<void> {
  const bucket = await openBucket(t, nats);
  const record = (await bucket.get("dev"))?.json<ChannelRecord>();
  assert.ok(record);
  const settings = { ...record.settings, name };
  const webhookIds = [`${name}-hook`];
  await bucket.put(name, JSON.stringify({ ...record, settings, webhookIds, origin: "api" }));
}

/** Somebody else has the subjects of a channel, so that it cannot be opened: until the result is called. */
async function occupy(t: TestContext, { url }: TestNats, channel: string): Promise<() => unknown> {
  const nc = await connect({ servers: url });
  t.defer(() => nc.close());
  const jsm = await jetstreamManager(nc);
  await jsm.streams.add({ name: "foreign", subjects: [`hookferry.messages.${channel}.>`] });
  return () => jsm.streams.delete("foreign");
}

/** The channels that could not be opened and the entries that are none, each time it was told. */
const troubles = ({ events }: Node): string[] =>
  events.flatMap((event) =>
    event.type === "relay.store_failed"
      ? [event.channel || (/^the entry (\S+) of the bucket/.exec(event.message)?.[1] ?? "")]
      : []
  );

async function statusOf(answer: Promise<Response>): Promise<number> {
  const { status, body } = await answer;
  await body?.cancel();
  return status;
}

onNats(
  "a channel of another relay that cannot be opened now is opened later, and stops nobody",
  async (t) => {
    const nats = await startNats(t);
    const clock = new ManualClock(Date.now());
    const here = await startNode(t, nats);
    const there = await startNode(t, nats, { kind: "none" }, clock);
    const leave = await occupy(t, nats, "late");
    await announce(t, nats, "late");
    await turnsUntil(() => troubles(there).includes("late"));
    const third = await startNode(t, nats, { kind: "none" }, clock);
    const taken = { channel: "late", webhook_ids: ["free-hook"] };
    assert.equal(await statusOf(there.admin("/channels", taken)), 409, "it is another relay's");
    const fed = { channel: "free", webhook_ids: ["late-hook"] };
    assert.equal(await statusOf(there.admin("/channels", fed)), 409, "its webhook ids are too");
    const other = { channel: "other", webhook_ids: ["other-hook"] };
    assert.equal(await statusOf(here.admin("/channels", other)), 201);
    for (const { relay } of [there, third]) {
      await turnsUntil(() => relay.registry.named("other") !== undefined);
      assert.equal(relay.registry.named("late"), undefined);
    }
    await leave();
    await clock.advance(1_000);
    for (const { relay } of [there, third]) {
      await turnsUntil(() => relay.registry.named("late") !== undefined);
    }
    await there.post("late-hook", "x");
  },
);

onNats("a channel that cannot be opened is not made, and can be made later", async (t) => {
  const nats = await startNats(t);
  const here = await startNode(t, nats);
  const leave = await occupy(t, nats, "late");
  const settings = { channel: "late", webhook_ids: ["late-hook"] };
  assert.equal(await statusOf(here.admin("/channels", settings)), 503);
  assert.equal(await (await openBucket(t, nats)).get("late"), null);
  await leave();
  assert.equal(await statusOf(here.admin("/channels", settings)), 201);
  await here.post("late-hook", "x");
});

onNats("what somebody else puts among the channels is passed over, and told", async (t) => {
  const nats = await startNats(t);
  const [here, there] = [await startNode(t, nats), await startNode(t, nats)];
  const bucket = await openBucket(t, nats);
  const dev = (await bucket.get("dev"))?.string() ?? "";
  const foreign = {
    ...{ a: "{", b: "null", c: "{}", d: "", "no-text=": "{}" },
    ...{ e: '{"settings":{"name":"e"},"origin":"api"}', "dev-copy": dev },
    f: dev.replace('"name":"dev"', '"name":"f"').replace(/[0-9a-f]{64}/, "x"),
    dev: '{"settings":{"name":"dev"}}',
  };
  for (const [key, text] of Object.entries(foreign)) await bucket.put(key, text);
  const keys = Object.keys(foreign);
  await turnsUntil(() => troubles(there).length >= keys.length);
  assert.deepEqual(troubles(there), keys);
  const metrics = await (await fetch(`${there.relay.url}/metrics`)).text();
  for (const key of keys) if (key !== "dev") assert.ok(!metrics.includes(`"${key}"`), key);
  const late = { channel: "late", webhook_ids: ["late-hook"] };
  assert.equal(await statusOf(here.admin("/channels", late)), 201);
  await turnsUntil(() => there.relay.registry.named("late") !== undefined);
  await there.post("hook", "x");
  const third = await startNode(t, nats);
  assert.deepEqual(troubles(third).toSorted(), keys.toSorted());
  await third.post("late-hook", "x");
});

onNats("a relay stops though its NATS server is gone, while it opens a channel too", async (t) => {
  const nats = await startNats(t);
  const clock = new ManualClock(Date.now());
  const node = await startNode(t, nats, { kind: "none" }, clock);
  await occupy(t, nats, "late");
  await announce(t, nats, "late");
  await turnsUntil(() => troubles(node).length >= 1);
  await nats.kill();
  await clock.advance(1_000); // it tries again, and gets no answer
  await node.relay.stop(1_000);
  await turnsUntil(() => troubles(node).length >= 2);
  await clock.advance(0);
  assert.equal(clock.pending, 0);
});
