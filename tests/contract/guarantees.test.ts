/** What the connector promises beyond one connection and one process, against the real relay. */
import assert from "node:assert/strict";
import { systemClock } from "../../src/async/clock.ts";
import { openJournal } from "../../src/journal/open_journal.ts";
import {
  publish,
  type Running,
  settings,
  startConnector,
  startDevRelay,
  startTarget,
  type Target,
} from "../support/rig.ts";
import { startProxy } from "../support/proxy.ts";
import { test, type TestContext } from "../support/test.ts";

const transports = ["websocket", "sse", "long_poll"] as const;

async function publishTo(relay: { url: string }, webhookId: string, body: string, key?: string) {
  const response = await fetch(`${relay.url}/webhook/${webhookId}`, {
    method: "POST",
    body,
    headers: key === undefined ? {} : { "X-Key": key },
  });
  return (await response.json() as { message_id: string }).message_id;
}

function bodies({ got }: Target): string[] {
  return got.map(({ body }) => new TextDecoder().decode(body));
}

function count(run: Running, type: string): number {
  return run.events.filter((event) => event.type === type).length;
}

for (const protocol of transports) {
  test(`[${protocol}] an ack that is lost, and the connector gone: the next one acknowledges without calling the target`, async (t) => {
    const folder = t.folder();
    const target = await startTarget(t);
    const relay = await startDevRelay(t, { ackTimeoutMs: 300 });
    const proxy = await startProxy(t, relay.url);
    const first = startConnector(
      t,
      settings(proxy.url, target.url, protocol, { reconnect_delay: 60, max_reconnect_delay: 60 }),
      { folder },
    );
    await first.happened("stream.connected");
    const unheard = settledAfterCut(first, proxy);
    const id = await publish(relay, "x");
    await unheard;
    first.drain.abort();
    first.abort.abort();
    await first.ended;
    assert.equal(relay.registry.named("dev")?.channel.stats.delivered, 0);

    const second = startConnector(t, settings(relay.url, target.url, protocol), { folder });
    await second.happened("settlement.confirmed");
    assert.equal(target.got.length, 1);
    assert.equal(relay.registry.named("dev")?.channel.stats.delivered, 1);
    assert.equal(target.got[0]?.headers["idempotency-key"], id);
  });

  test(`[${protocol}] what takes longer than the ack timeout is not given out again`, async (t) => {
    let answer = (_status: number) => {};
    const target = await startTarget(t, () => new Promise((resolve) => answer = resolve));
    const relay = await startDevRelay(t, { ackTimeoutMs: leaseMs, maxDeliveries: 1 });
    const other = await startTarget(t);
    const run = startConnector(t, settings(relay.url, target.url, protocol));
    await run.happened("stream.connected");
    await publish(relay, "slow");
    await target.arrived(1);
    // Three leases of the same length end elsewhere meanwhile, since nobody extends them.
    await threeLeases(t, other.url);
    answer(200);
    await run.happened("settlement.confirmed");
    assert.equal(count(run, "delivery.duplicate"), 0);
    assert.equal(relay.registry.named("dev")?.channel.stats.delivered, 1);
    assert.equal(relay.registry.named("dev")?.channel.stats.deadLettered, 0);
  });

  test(`[${protocol}] paused, nothing new reaches the target and the relay keeps it; resumed, all of it does`, async (t) => {
    let answer = (_status: number) => {};
    const target = await startTarget(
      t,
      (n) => n === 1 ? new Promise((resolve) => answer = resolve) : 200,
    );
    const relay = await startDevRelay(t);
    const run = startConnector(t, settings(relay.url, target.url, protocol));
    await run.happened("stream.connected");
    await publish(relay, "in hand");
    await target.arrived(1);
    run.connector.pause.pause();
    answer(200);
    await run.happened("settlement.confirmed");
    await run.happened("stream.disconnected");
    for (let i = 0; i < 5; i++) await publish(relay, `waiting ${i}`);
    assert.equal(target.got.length, 1);
    assert.equal(relay.registry.named("dev")?.channel.stats.queued, 5);
    run.connector.pause.resume();
    await run.happened("settlement.confirmed", 6);
    assert.deepEqual(bodies(target).slice(1).sort(), [0, 1, 2, 3, 4].map((i) => `waiting ${i}`));
    assert.equal(count(run, "stream.failed"), 0);
  });
}

/** Cuts the connection for good as soon as the message is settled here, before the ack is on its way. */
async function settledAfterCut(run: Running, proxy: { cut(): void; refuse(): void }) {
  await run.happened("delivery.received");
  proxy.refuse();
  proxy.cut();
  await run.happened("delivery.succeeded");
}

/** Long enough that a busy machine does not keep the connector from extending it. */
const leaseMs = 600;

/** Resolves when three such leases have expired one after the other at a relay of their own. */
async function threeLeases(t: TestContext, target: URL): Promise<void> {
  const expired: (() => void)[] = [];
  let times = 0;
  const relay = await startDevRelay(t, { ackTimeoutMs: leaseMs }, {
    observe(event) {
      if (event.type === "relay.lease_expired" && ++times === 3) expired.forEach((done) => done());
    },
  });
  const mute = await fetch(`${relay.url}/connect/stream/dev/sse`, {
    headers: { Authorization: "Bearer s3cret" },
  });
  const three = new Promise<void>((resolve) => expired.push(resolve));
  await publish(relay, target.href);
  await three;
  await mute.body?.cancel();
}

const failFirst = { retry_max_attempts: 1, breaker: { consecutive_failures: 0 } };

test("exhausted messages go back to the relay, or are kept here, as the setting says", async (t) => {
  const target = await startTarget(t, (n) => n <= 2 ? 503 : 200);
  const relay = await startDevRelay(t);
  const kept = startConnector(
    t,
    settings(relay.url, target.url, "websocket", {
      on_exhausted: "dead_letter",
      default_target: failFirst,
    }),
  );
  const id = await publish(relay, "kept");
  await kept.happened("settlement.confirmed");
  assert.equal(relay.registry.named("dev")?.channel.stats.queued, 0);
  assert.equal(relay.registry.named("dev")?.channel.stats.deadLettered, 1);
  const [letter] = kept.journal.deadLetters.of(id);
  assert.equal(letter?.reason.status, 503);
  assert.equal(letter?.attempts, 1);
  assert.equal(new TextDecoder().decode(letter?.response), "ok");
  kept.drain.abort();
  await kept.ended;

  const given = startConnector(
    t,
    settings(relay.url, target.url, "websocket", { default_target: failFirst }),
  );
  await publish(relay, "given back");
  await given.happened("settlement.confirmed", 2);
  assert.deepEqual(bodies(target), ["kept", "given back", "given back"]);
  assert.equal(given.journal.deadLetters.count, 0);
});

test("a dead letter is replayed as the first time: the same request, and dropped when the target has it", async (t) => {
  const target = await startTarget(t, (n) => n <= 2 ? 422 : 200);
  const relay = await startDevRelay(t);
  const run = startConnector(t, settings(relay.url, target.url, "websocket"));
  const body = new Uint8Array([0, 255, 13, 10, 34]);
  const response = await fetch(`${relay.url}/webhook/hook/a%20b?c=1&c=2`, {
    method: "PUT",
    headers: { "X-Hub-Signature-256": "sha256=abc", "Content-Type": "application/x-thing" },
    body,
  });
  const { message_id: id } = await response.json() as { message_id: string };
  await run.happened("settlement.confirmed");
  const rejected = await run.connector.replay(id);
  assert.ok(Array.isArray(rejected));
  assert.equal(rejected[0]?.outcome.kind, "rejected");
  assert.equal(run.journal.deadLetters.of(id)[0]?.attempts, 2);
  const replayed = await run.connector.replay(id);
  assert.deepEqual(replayed, [{ target: "default", outcome: { kind: "delivered" } }]);
  const [first, , third] = target.got;
  assert.deepEqual(third, first);
  assert.deepEqual(third?.body, Buffer.from(body));
  assert.equal(await run.connector.replay(id), undefined);
  assert.equal(run.journal.deadLetters.count, 0);
});

test("a message put away at the relay and replayed there is tried again, and its letter here is dropped then", async (t) => {
  const target = await startTarget(t, (n) => n === 1 ? 422 : 200);
  const relay = await startDevRelay(t);
  const run = startConnector(t, settings(relay.url, target.url, "websocket"));
  const id = await publish(relay, "x");
  await run.happened("settlement.confirmed");
  assert.equal(run.journal.deadLetters.of(id).length, 1);
  assert.equal(await relay.registry.named("dev")?.channel.replay([id]), 1);
  await run.happened("settlement.confirmed", 2);
  assert.equal(target.got.length, 2);
  assert.equal(relay.registry.named("dev")?.channel.stats.delivered, 1);
  assert.equal(run.journal.deadLetters.of(id).length, 0);
});

test("an open breaker defers: nothing is put away, and the other target does not notice", async (t) => {
  let isDown = true;
  const failing = await startTarget(t, () => isDown ? 503 : 200);
  const other = await startTarget(t);
  const relay = await startDevRelay(t, { webhookIds: ["down", "up"] });
  const breaker = {
    consecutive_failures: 3,
    open_seconds: 0.05,
    max_open_seconds: 0.05,
    max_held: 2,
  };
  const run = startConnector(
    t,
    settings(relay.url, other.url, "websocket", {
      targets: {
        down: { url: failing.url.href, retry_delay_seconds: 0.01, breaker },
      },
    }),
  );
  for (let i = 0; i < 20; i++) await publishTo(relay, "down", `down ${i}`);
  await run.happened("breaker.changed");
  for (let i = 0; i < 20; i++) await publishTo(relay, "up", `up ${i}`);
  await run.happened("delivery.succeeded", 20);
  assert.equal(other.got.length, 20);
  await run.happened("delivery.deferred");
  isDown = false;
  await run.happened("delivery.succeeded", 40);
  const delivered = run.events.flatMap((event) =>
    event.type === "delivery.succeeded" && event.target === "down" ? [event.messageId] : []
  );
  assert.equal(new Set(delivered).size, 20);
  assert.equal(relay.registry.named("dev")?.channel.stats.deadLettered, 0);
  assert.equal(run.journal.deadLetters.count, 0);
  assert.equal(count(run, "delivery.failed"), 0);
});

test("by default the webhooks of a dead target do not fill the relay's window: another target gets its own", async (t) => {
  const failing = await startTarget(t, () => 503);
  const well = await startTarget(t);
  const relay = await startDevRelay(t, { webhookIds: ["down", "up"] });
  const run = startConnector(
    t,
    settings(relay.url, well.url, "websocket", {
      targets: {
        down: {
          url: failing.url.href,
          retry_delay_seconds: 60,
          retry_max_delay_seconds: 60,
          breaker: { consecutive_failures: 3, open_seconds: 1_000 },
        },
      },
    }),
  );
  for (let i = 0; i < 150; i++) await publishTo(relay, "down", String(i));
  await run.happened("breaker.changed");
  for (let i = 0; i < 20; i++) await publishTo(relay, "up", String(i));
  await well.arrived(20);
  assert.equal(relay.registry.named("dev")?.channel.stats.deadLettered, 0);
});

test("a stop does not wait for a breaker: what it holds goes back to the relay at once, untried", async (t) => {
  const target = await startTarget(t, () => 503);
  const relay = await startDevRelay(t, { maxDeliveries: 1 });
  const breaker = { consecutive_failures: 1, open_seconds: 1_000 };
  const run = startConnector(
    t,
    settings(relay.url, target.url, "websocket", {
      on_exhausted: "dead_letter",
      default_target: { retry_max_attempts: 1, breaker },
    }),
  );
  await publish(relay, "opens it");
  await run.happened("settlement.confirmed");
  assert.equal(run.journal.deadLetters.count, 0);
  await publish(relay, "held");
  await run.happened("delivery.received", 2);
  run.drain.abort();
  assert.deepEqual(await run.ended, { abandoned: 1 });
  assert.equal(target.got.length, 1);
  const { queued, deadLettered } = relay.registry.named("dev")?.channel.stats ?? {};
  assert.deepEqual({ queued, deadLettered }, { queued: 2, deadLettered: 0 });
});

test("what a stop gives back is counted by messages, not by targets", async (t) => {
  const target = await startTarget(t, () => 503);
  const relay = await startDevRelay(t);
  const slow = { url: target.url.href, retry_delay_seconds: 600, retry_max_delay_seconds: 600 };
  const run = startConnector(
    t,
    settings(relay.url, target.url, "websocket", { targets: { hook: [slow, slow] } }),
  );
  await publish(relay, "x");
  await run.happened("delivery.retrying", 2);
  run.drain.abort();
  assert.deepEqual(await run.ended, { abandoned: 1 });
  assert.deepEqual(run.events.at(-1), { type: "connector.stopped", unsettled: 1 });
  assert.equal(relay.registry.named("dev")?.channel.stats.queued, 1);
});

test("ordering by key: strict for each key through failures, side by side across keys", async (t) => {
  const failures = new Map<string, number>();
  const target = await startTarget(t, (_, { body }) => {
    const text = new TextDecoder().decode(body);
    const failed = failures.get(text) ?? 0;
    failures.set(text, failed + 1);
    return text.startsWith("a") && failed < 2 ? 500 : 200;
  });
  const relay = await startDevRelay(t);
  const run = startConnector(
    t,
    settings(relay.url, target.url, "websocket", { ordering: "key:header:x-key" }),
  );
  const sent: string[] = [];
  for (let i = 0; i < 10; i++) {
    for (const key of ["a", "b", "c"]) {
      sent.push(`${key}${i}`);
      await publishTo(relay, "hook", `${key}${i}`, key);
    }
  }
  await run.happened("delivery.succeeded", 30);
  const delivered = run.events.flatMap((event) =>
    event.type === "delivery.succeeded" ? [event.messageId] : []
  );
  assert.equal(new Set(delivered).size, 30);
  const seen = bodies(target);
  for (const key of ["a", "b", "c"]) {
    const ofKey = seen.filter((text) => text.startsWith(key));
    const inOrder = sent.filter((text) => text.startsWith(key));
    assert.deepEqual([...new Set(ofKey)], inOrder);
    // One at a time: all tries of a message come before the first of the next.
    assert.deepEqual(ofKey, inOrder.flatMap((text) => key === "a" ? [text, text, text] : [text]));
  }
});

test("fan-out, all: each target gets it once, though one needs a second round", async (t) => {
  const good = await startTarget(t);
  const late = await startTarget(t, (n) => n === 1 ? 503 : 200);
  const relay = await startDevRelay(t);
  const run = startConnector(
    t,
    settings(relay.url, good.url, "websocket", {
      targets: { hook: [{ url: good.url.href }, { url: late.url.href, ...failFirst }] },
    }),
  );
  await publish(relay, "x");
  await run.happened("settlement.confirmed", 2);
  assert.deepEqual([good.got.length, late.got.length], [1, 2]);
  assert.equal(relay.registry.named("dev")?.channel.stats.delivered, 1);
});

test("fan-out, any: one that has it is enough, and the other's letter is kept", async (t) => {
  const bad = await startTarget(t, () => 503);
  const good = await startTarget(t);
  const relay = await startDevRelay(t);
  const run = startConnector(
    t,
    settings(relay.url, good.url, "websocket", {
      targets: {
        hook: { to: [{ url: bad.url.href, ...failFirst }, { url: good.url.href }], ack: "any" },
      },
    }),
  );
  const id = await publish(relay, "x");
  await run.happened("settlement.confirmed");
  assert.equal(relay.registry.named("dev")?.channel.stats.delivered, 1);
  assert.deepEqual(run.journal.deadLetters.of(id).map(({ target }) => target), ["hook/1"]);
});

test("fan-out, primary: the first decides, the others' failures are kept as letters", async (t) => {
  const primary = await startTarget(t, (n) => n === 1 ? 503 : 200);
  const audit = await startTarget(t, () => 400);
  const relay = await startDevRelay(t);
  const run = startConnector(
    t,
    settings(relay.url, primary.url, "websocket", {
      targets: {
        hook: {
          to: [{ url: primary.url.href, ...failFirst }, { name: "audit", url: audit.url.href }],
          ack: "primary",
        },
      },
    }),
  );
  const id = await publish(relay, "x");
  await run.happened("settlement.confirmed", 2);
  assert.deepEqual([primary.got.length, audit.got.length], [2, 1]);
  assert.equal(relay.registry.named("dev")?.channel.stats.delivered, 1);
  assert.deepEqual(run.journal.deadLetters.of(id).map(({ target }) => target), ["audit"]);
});

/** A journal in which this message was in hand at three crashes; gives its folder. */
async function poisoned(t: TestContext, id: string): Promise<string> {
  const folder = t.folder();
  const limits = { maxLetters: 10, maxBytes: 1e6 };
  for (let crash = 0; crash < 3; crash++) {
    const journal = openJournal({ folder, limits, clock: systemClock, onDropped: () => {} });
    await journal.journal.begin(id);
    journal.close(); // with the message in hand
  }
  return folder;
}

test("a message that was in hand at three crashes is put away untried; its neighbours are delivered", async (t) => {
  const target = await startTarget(t);
  const relay = await startDevRelay(t);
  const id = await publish(relay, "poison");
  const folder = await poisoned(t, id);
  await publish(relay, "good");
  const run = startConnector(t, settings(relay.url, target.url, "websocket"), { folder });
  await run.happened("settlement.confirmed", 2);
  assert.deepEqual(bodies(target), ["good"]);
  const [letter] = run.journal.deadLetters.of(id);
  assert.equal(letter?.reason.code, "poison");
  assert.match(letter?.reason.message ?? "", /crashed 3 times/);
  // An operator who knows better lets it through.
  assert.deepEqual(await run.connector.replay(id), [
    { target: "default", outcome: { kind: "delivered" } },
  ]);
  assert.deepEqual(bodies(target), ["good", "poison"]);
  assert.equal(run.journal.deadLetters.count, 0);
});

test("what was put away untried, and the relay replays, has no letter any more once a target has it", async (t) => {
  const one = await startTarget(t);
  const other = await startTarget(t, (n) => n === 1 ? 422 : 200);
  const relay = await startDevRelay(t);
  const id = await publish(relay, "poison");
  const folder = await poisoned(t, id);
  const targets = { hook: [{ url: one.url.href }, { name: "other", url: other.url.href }] };
  const run = startConnector(t, settings(relay.url, one.url, "websocket", { targets }), { folder });
  await run.happened("settlement.confirmed");
  const letters = () => run.journal.deadLetters.of(id).map(({ target }) => target);
  assert.deepEqual(letters(), [""]);
  assert.equal(await relay.registry.named("dev")?.channel.replay([id]), 1);
  await run.happened("settlement.confirmed", 2);
  assert.deepEqual([one.got.length, other.got.length], [1, 1]);
  assert.deepEqual(letters(), ["other"]);
  assert.ok(await run.connector.replay(id));
  assert.deepEqual([one.got.length, other.got.length], [1, 2]);
});
