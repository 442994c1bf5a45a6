/** Two relays on one JetStream: any of them serves any channel. */
import assert from "node:assert/strict";
import { jetstreamManager } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";
import { laneRule } from "../../src/relay/lane.ts";
import { MessageTooLargeError, type NewMessage } from "../../src/relay/store.ts";
import { ManualClock } from "../support/manual_clock.ts";
import { type Node, startNode } from "../support/nats_node.ts";
import { onNats, startNats } from "../support/nats_server.ts";
import { message, openStore } from "../support/nats_store.ts";
import { openSocket } from "../support/old_client.ts";
import { settings, startConnector, startTarget } from "../support/rig.ts";
import { turnsUntil } from "../support/turns_until.ts";

/** Takes one message by a poll, and does not settle it. */
async function poll({ relay }: Node, connectorId: string) {
  const answer = await fetch(`${relay.url}/connect/stream/dev/poll?timeout=30&max_messages=1`, {
    headers: { Authorization: "Bearer s3cret", "X-Connector-Id": connectorId },
  });
  assert.equal(answer.status, 200);
  return await answer.json();
}

async function ack({ relay }: Node, connectorId: string, messageId: string): Promise<number> {
  const answer = await fetch(`${relay.url}/connect/ack?message_id=${messageId}&status=ack`, {
    method: "POST",
    headers: {
      Authorization: "Bearer s3cret",
      "X-Connector-Id": connectorId,
      "X-Connection-Id": "elsewhere",
    },
  });
  await answer.body?.cancel();
  return answer.status;
}

/** Resolves with how many were extended. */
async function extend({ relay }: Node, connectorId: string, ids: readonly string[]) {
  const answer = await fetch(`${relay.url}/connect/extend`, {
    method: "POST",
    headers: {
      Authorization: "Bearer s3cret",
      "X-Connector-Id": connectorId,
      "X-Connection-Id": "elsewhere",
    },
    body: JSON.stringify({ message_ids: ids }),
  });
  assert.equal(answer.status, 200);
  return (await answer.json()).extended;
}

/** So many headers of 4,000 bytes. */
function headersOf4000(n: number) {
  return Array.from({ length: n }, (_, i) => [`x-${i}`, "z".repeat(4_000)] as const);
}

onNats("what is posted at one relay reaches a connector at the other", async (t) => {
  const nats = await startNats(t);
  const [here, there] = [await startNode(t, nats), await startNode(t, nats)];
  const target = await startTarget(t);
  const connector = startConnector(t, settings(there.relay.url, target.url, "websocket"));
  const ids = [];
  for (let n = 0; n < 20; n++) ids.push(await here.post("hook", String(n)));
  await target.arrived(20);
  const got = target.got.map(({ headers }) => headers["x-webhook-message-id"]);
  assert.deepEqual(got.toSorted(), ids.toSorted());
  connector.drain.abort();
  await connector.ended;
});

onNats("an ack may arrive at another relay than the one that handed it out", async (t) => {
  const nats = await startNats(t);
  const [here, there] = [await startNode(t, nats), await startNode(t, nats)];
  const id = await here.post("hook", "x");
  await poll(here, "k1");
  assert.equal(await ack(there, "k2", id), 404, "it is another connector's");
  assert.equal(await ack(there, "k1", id), 200);
  assert.equal(await ack(there, "k1", id), 404, "settled is settled");
  assert.deepEqual(here.events.filter(({ type }) => type === "relay.acked").length, 1);
});

onNats("a lease may be extended at another relay than the one that handed it out", async (t) => {
  const nats = await startNats(t);
  const clock = new ManualClock(Date.now());
  const [here, there] = [
    await startNode(t, nats, { kind: "none" }, clock),
    await startNode(t, nats),
  ];
  const id = await here.post("hook", "x");
  await poll(here, "k1");
  const expired = () => here.events.filter(({ type }) => type === "relay.lease_expired").length;
  for (let n = 0; n < 3; n++) {
    await clock.advance(29_000);
    assert.equal(await extend(there, "k2", [id]), 0, "it is another connector's");
    assert.equal(await extend(there, "k1", [id, "unknown"]), 1);
  }
  assert.equal(expired(), 0);
  await clock.advance(30_000);
  assert.equal(expired(), 1);
  assert.equal(await extend(there, "k1", [id]), 0);
});

onNats("the server, too, begins the time of a lease anew when it is extended", async (t) => {
  const nats = await startNats(t);
  const store = await openStore(t, nats);
  await store.append(message("a"), Date.now() + 1e6, Date.now());
  assert.equal((await store.take(Date.now()))?.envelope.id, "a");
  const nc = await connect({ servers: nats.url });
  t.defer(() => nc.close());
  // By itself the server's time is the relay's and five seconds: here it is short enough to see it end.
  const jsm = await jetstreamManager(nc);
  await jsm.consumers.update("hookferry-messages-c", "hook", { ack_wait: 1e9 });
  const pulled = async () => {
    const subject = "$JS.API.CONSUMER.MSG.NEXT.hookferry-messages-c.hook";
    const answer = await nc.request(subject, JSON.stringify({ batch: 1, no_wait: true }), {
      timeout: 5_000,
      noMux: true,
    });
    return answer.headers?.code ? undefined : answer;
  };
  for (const until = Date.now() + 2_500; Date.now() < until;) {
    assert.equal(await store.extend("a"), true);
    assert.equal(await pulled(), undefined, "it is in hand");
  }
  while (!await pulled());
});

onNats("what waits for a retry waits at every relay, however odd its delay", async (t) => {
  const nats = await startNats(t);
  const here = await openStore(t, nats);
  await here.append(message("a"), Date.now() + 1e6, Date.now());
  assert.equal((await here.take(Date.now()))?.envelope.id, "a");
  await here.release("a", 60_000.0003);
  const there = await openStore(t, nats);
  assert.equal(await there.take(Date.now()), undefined);
});

onNats("an ack still counts when the relay that handed it out is gone", async (t) => {
  const nats = await startNats(t);
  const [here, there] = [await startNode(t, nats), await startNode(t, nats)];
  const id = await here.post("hook", "x");
  await poll(here, "k1");
  await here.relay.stop(1_000);
  assert.equal(await ack(there, "k1", id), 200);
  assert.equal(await ack(there, "k1", id), 404);
});

onNats(
  "a channel made at one relay is there at the other; a rotated token ends connections there",
  async (t) => {
    const nats = await startNats(t);
    const [here, there] = [await startNode(t, nats), await startNode(t, nats)];
    const made = await here.admin("/channels", { channel: "late", webhook_ids: ["late-hook"] });
    assert.equal(made.status, 201);
    const { token } = await made.json();
    await turnsUntil(() => there.relay.registry.named("late") !== undefined);
    await there.post("late-hook", "x");
    assert.notEqual(there.relay.registry.named("late")?.tokens.accepts(token), undefined);
    const { frame, closed } = openSocket(t, there.relay);
    await frame(0);
    const stream = await fetch(`${there.relay.url}/connect/stream/late/sse`, {
      headers: { Authorization: `Bearer ${token}` },
    });
    assert.equal(stream.status, 200);
    for (const channel of ["late", "dev"]) {
      const path = `/channels/${channel}/rotate-token`;
      const rotated = await here.admin(path, { grace_period_seconds: 0 });
      assert.equal(rotated.status, 200);
      await rotated.text();
    }
    assert.equal(await closed, 4_001);
    assert.deepEqual(there.relay.registry.named("late")?.channel.subscribers, []);
    await stream.text();
    assert.equal(there.relay.registry.named("late")?.tokens.accepts(token), undefined);
  },
);

onNats("ordering holds across relays: one of a key at a time", async (t) => {
  const nats = await startNats(t);
  const ordering = { kind: "key", from: "webhook_id" } as const;
  const nodes = [await startNode(t, nats, ordering), await startNode(t, nats, ordering)];
  const order: string[] = [];
  let atOnce = 0;
  const target = await startTarget(t, async (_n, { body }) => {
    assert.equal(++atOnce, 1);
    order.push(new TextDecoder().decode(body));
    await new Promise((resolve) => setImmediate(resolve));
    atOnce--;
    return 200;
  });
  const connectors = nodes.map(({ relay }) =>
    startConnector(t, settings(relay.url, target.url, "websocket"))
  );
  for (let n = 0; n < 30; n++) await nodes[n % 2]?.post("hook", String(n));
  await target.arrived(30);
  assert.deepEqual(order, Array.from({ length: 30 }, (_, n) => String(n)));
  for (const { drain } of connectors) drain.abort();
  await Promise.all(connectors.map(({ ended }) => ended));
});

onNats(
  "a body that the server does not take is refused with 413, not with a failure",
  async (t) => {
    const node = await startNode(t, await startNats(t));
    const answer = await fetch(`${node.relay.url}/webhook/hook`, {
      method: "POST",
      body: new Uint8Array(1_048_576),
    });
    assert.equal(answer.status, 413);
    await answer.body?.cancel();
  },
);

onNats("headers that leave a body no room on the server are refused with 413, too", async (t) => {
  const nats = await startNats(t);
  const store = await openStore(t, nats, { maxBytes: 1e8 });
  const body = new Uint8Array(983_040);
  const append = (n: number) =>
    store.append({ ...message(String(n)), headers: headersOf4000(n), body }, Date.now() + 1e6, 0);
  assert.equal(await append(11), 1);
  await assert.rejects(append(14), MessageTooLargeError);
  // It is no failure of the server, and as a dead letter the other has room too.
  assert.equal((await store.take(Date.now()))?.envelope.id, "11");
  const reason = "r".repeat(1_024);
  assert.equal(await store.bury("11", { at: 0, connectorId: "k1", reason }), true);

  const { relay } = await startNode(t, nats);
  const answer = await fetch(`${relay.url}/webhook/hook`, {
    method: "POST",
    headers: Object.fromEntries(headersOf4000(14)),
    body,
  });
  await answer.body?.cancel();
  // Bun's server takes less of headers by itself.
  assert.ok([413, 431].includes(answer.status), String(answer.status));
  const ready = await fetch(`${relay.url}/readyz`);
  await ready.body?.cancel();
  assert.equal(ready.status, 200);
});

onNats("so are headers that are more than the server takes of headers", async (t) => {
  const nats = await startNats(t);
  const store = await openStore(t, nats);
  const append = (n: number, path: string) =>
    store.append({ ...message("a"), headers: headersOf4000(n), path }, Date.now() + 1e6, 0);
  await assert.rejects(append(17, "/"), MessageTooLargeError);
  await assert.rejects(append(1, `/${"p".repeat(62_000)}`), MessageTooLargeError);
  assert.equal(await append(11, "/"), 1);

  const { relay } = await startNode(t, nats);
  const answer = await fetch(`${relay.url}/webhook/hook?${"q".repeat(62_000)}`, { method: "POST" });
  await answer.body?.cancel();
  // Bun's server takes less of a path by itself.
  assert.ok([413, 414, 431].includes(answer.status), String(answer.status));
  const ready = await fetch(`${relay.url}/readyz`);
  await ready.body?.cancel();
  assert.equal(ready.status, 200);
});

onNats("a dead letter has room at the server, however long its history is", async (t) => {
  const nats = await startNats(t);
  const store = await openStore(t, nats, { maxBytes: 1e8 });
  const buried = async (content: Partial<NewMessage>, deliveries: number, reason: string) => {
    const failed = (at: number) => ({ at, connectorId: "k1", reason });
    await store.append({ ...message("a"), ...content }, Date.now() + 1e6, 0);
    const take = async () => {
      while (!await store.take(Date.now()));
    };
    for (let n = 1; n < deliveries; n++) {
      await take();
      await store.release("a", 0, failed(n));
    }
    await take();
    await store.bury("a", failed(deliveries));
    const [letter] = await store.deadLetters(1);
    await store.purgeDeadLetters();
    assert.equal(letter?.message.deliveries, deliveries);
    assert.equal(letter.reason, reason);
    return letter.history.map(({ at }) => at);
  };
  // By what the server takes of headers, and by what it takes of a message.
  for (const content of [{}, { headers: headersOf4000(11), body: new Uint8Array(983_040) }]) {
    const known = await buried(content, 70, "é".repeat(1_000));
    assert.ok(known.length > 3 && known.length < 70, `${known.length} of 70`);
    assert.deepEqual(known, known.map((_, i) => 71 - known.length + i), "the newest");
  }
  // As large as can be, and the longest reason there is.
  const path = `/${"p".repeat(48_900)}`;
  assert.deepEqual(await buried({ path }, 2, "\u0001".repeat(1_024)), [1, 2]);
});

onNats("what somebody else publishes on the relays' subjects harms nobody", async (t) => {
  const nats = await startNats(t);
  const node = await startNode(t, nats);
  const other = await connect({ servers: nats.url });
  t.defer(() => other.close());
  for (const text of ["{", "null", "{}", '{"messageIds":[1]}']) {
    for (const question of ["settle", "extend"]) other.publish(`hookferry.${question}.dev`, text);
  }
  await other.request("hookferry.messages.dev.hook.hook.x", "not a message");
  const id = await node.post("hook", "x");
  const taken = await poll(node, "k1");
  assert.equal(taken.messages[0].message_id, id);
  const ready = await fetch(`${node.relay.url}/readyz`);
  assert.match(JSON.stringify(await ready.json()), /hookferry\.messages\.dev\.hook\.hook\.x is no/);
});

onNats("settings that changed apply to the streams and consumers that are there", async (t) => {
  const nats = await startNats(t);
  const open = async (ackTimeoutMs: number, maxMessages: number) => {
    const lanes = laneRule({ kind: "channel" });
    const store = await openStore(t, nats, { ackTimeoutMs, maxMessages, lanes });
    return store.append(message(String(maxMessages)), Date.now() + 1e6, Date.now());
  };
  assert.equal(await open(10_000, 1), 1);
  assert.equal(await open(20_000, 1), undefined, "it is full");
  assert.equal(await open(30_000, 2), 2);
  const nc = await connect({ servers: nats.url });
  t.defer(() => nc.close());
  const jsm = await jetstreamManager(nc);
  const [lane] = await jsm.consumers.list("hookferry-messages-c").next();
  assert.equal(lane?.config.ack_wait, 35e9);
});

onNats(
  "a token in its grace keeps its connections at the other relay, whatever ended before it",
  async (t) => {
    const nats = await startNats(t);
    const [here, there] = [await startNode(t, nats), await startNode(t, nats)];
    const rotate = async (seconds: number): Promise<string> => {
      const body = { grace_period_seconds: seconds };
      const rotated = await (await here.admin("/channels/dev/rotate-token", body)).json();
      const dev = there.relay.registry.named("dev");
      await turnsUntil(() => dev?.tokens.accepts(rotated.new_token) !== undefined);
      return rotated.new_token;
    };
    const token = await rotate(0); // the file's own token is over, and kept
    const { frame, closed } = openSocket(t, there.relay, { Authorization: `Bearer ${token}` });
    await frame(0);
    await rotate(3_600);
    await there.post("hook", "x");
    assert.equal(await Promise.race([frame(1).then(() => "open"), closed]), "open");
  },
);
