/** What one relay on JetStream makes of the channels that another one has. */
import assert from "node:assert/strict";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { jetstreamManager } from "@nats-io/jetstream";
import { Kvm } from "@nats-io/kv";
import { connect } from "@nats-io/transport-node";
import type { ChannelRecord } from "../../src/relay/directory.ts";
import { jetStreamStores } from "../../src/relay/jetstream/jetstream_stores.ts";
import { ManualClock } from "../support/manual_clock.ts";
import { type Node, startNode } from "../support/nats_node.ts";
import { onNats, startNats, type TestNats } from "../support/nats_server.ts";
import { startDevRelay } from "../support/rig.ts";
import type { TestContext } from "../support/test.ts";
import { withinLimit } from "../support/time_limit.ts";
import { turnsUntil } from "../support/turns_until.ts";

async function openBucket(t: TestContext, { url }: TestNats) {
  const nc = await connect({ servers: url });
  t.defer(() => nc.close());
  return await new Kvm(nc).open("hookferry-channels");
}

/** What a relay that nobody else knows of would save: the channel "dev" under another name. */
async function announce(
  t: TestContext,
  nats: TestNats,
  name: string,
  origin: ChannelRecord["origin"] = "api",
): Promise<void> {
  const bucket = await openBucket(t, nats);
  const record = (await bucket.get("dev"))?.json<ChannelRecord>();
  assert.ok(record);
  const settings = { ...record.settings, name };
  const webhookIds = [`${name}-hook`];
  await bucket.put(name, JSON.stringify({ ...record, settings, webhookIds, origin }));
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

onNats("a channel that stands in another relay's file is not made again", async (t) => {
  const nats = await startNats(t);
  const here = await startNode(t, nats);
  await announce(t, nats, "theirs", "file");
  const bucket = await openBucket(t, nats);
  const before = (await bucket.get("theirs"))?.string();
  const later = await startNode(t, nats);
  for (const node of [here, later]) {
    const theirs = { channel: "theirs", webhook_ids: ["another-hook"] };
    assert.equal(await statusOf(node.admin("/channels", theirs)), 409);
    assert.equal(node.relay.registry.named("theirs"), undefined);
  }
  assert.equal((await bucket.get("theirs"))?.string(), before);
});

onNats(
  "a channel made at another relay takes no webhook id away from one of the file",
  async (t) => {
    const nats = await startNats(t);
    const clock = new ManualClock(Date.now());
    const stores = jetStreamStores(nats.address);
    const there = await startDevRelay(t, { webhookIds: [] }, {
      stores,
      clock,
      adminToken: "adm1n",
    });
    const here = await startNode(t, nats);
    const made = fetch(`${there.url}/admin/webhook-connect/channels`, {
      method: "POST",
      headers: { Authorization: "Bearer adm1n" },
      body: JSON.stringify({ channel: "late", webhook_ids: ["hook"] }),
    });
    assert.equal(await statusOf(made), 201);
    await turnsUntil(() => here.relay.registry.named("late") !== undefined);
    assert.equal(here.relay.registry.fedBy("hook")?.channel.settings.name, "dev");
    assert.ok(here.events.some(({ type }) => type === "relay.webhook_id_taken"));
  },
);

onNats("a channel made at two relays at once is one's", async (t) => {
  const nats = await startNats(t);
  const nodes = [await startNode(t, nats), await startNode(t, nats), await startNode(t, nats)];
  const made = nodes.map((node, n) =>
    statusOf(node.admin("/channels", { channel: "new", webhook_ids: [`hook-${n}`] }))
  );
  assert.deepEqual((await Promise.all(made)).toSorted(), [201, 409, 409]);
});

onNats(
  "a channel that somebody took out of the bucket is saved again with its next token",
  async (t) => {
    const nats = await startNats(t);
    const [here, there] = [await startNode(t, nats), await startNode(t, nats)];
    const bucket = await openBucket(t, nats);
    const { length } = (await bucket.get("dev"))?.json<ChannelRecord>().tokens ?? [];
    for (const takeOut of [() => bucket.delete("dev"), () => bucket.purge("dev")]) {
      await takeOut();
      const rotate = () =>
        statusOf(here.admin("/channels/dev/rotate-token", { grace_period_seconds: 3600 }));
      while (await rotate() === 503); // until it has heard of that
      const saved = (await bucket.get("dev"))?.json<ChannelRecord>();
      assert.ok(saved && saved.tokens.length > length);
      await turnsUntil(() =>
        there.relay.registry.named("dev")?.tokens.records.length === saved.tokens.length
      );
    }
  },
);

onNats("a channel of the file that cannot be opened keeps its relay from starting", async (t) => {
  const nats = await startNats(t);
  const leave = await occupy(t, nats, "dev");
  await assert.rejects(startNode(t, nats), (error: Error) => {
    assert.equal(error.name, "StoreOpenError");
    assert.match(error.message, /channel "dev"/);
    return true;
  });
  await leave();
  await startNode(t, nats);
});

onNats("after the NATS server was gone a relay hears of the others as before", async (t) => {
  const nats = await startNats(t);
  const [here, there] = [await startNode(t, nats), await startNode(t, nats)];
  await nats.kill();
  // A server that is started anew may not know any more who watched.
  const watchers = ["jetstream", "$G", "streams", "KV_hookferry-channels", "obs"];
  rmSync(join(nats.folder, ...watchers), { recursive: true });
  await nats.startAgain();
  while (await statusOf(fetch(`${here.relay.url}/readyz`)) !== 200);
  while (
    await statusOf(here.admin("/channels/dev/rotate-token", { grace_period_seconds: 3600 })) !== 200
  );
  // Left to the library it takes over a minute.
  const heard = () => there.relay.registry.named("dev")?.tokens.records.length === 2;
  await withinLimit(turnsUntil(heard), 30_000);
});
