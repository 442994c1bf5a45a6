/** Webhooks of which the connector can hold few at a time. */
import assert from "node:assert/strict";
import { once } from "node:events";
import http from "node:http";
import { startAnsweringFront, startCuttingFront } from "../support/front.ts";
import { ManualClock, settle } from "../support/manual_clock.ts";
import { messageWith } from "../support/message.ts";
import { settings, startConnector, startDevRelay, startTarget } from "../support/rig.ts";
import type { Relay } from "../../src/relay/relay.ts";
import { test, type TestContext } from "../support/test.ts";
import { turnsUntil } from "../support/turns_until.ts";

async function post(relay: Relay, bytes: number): Promise<void> {
  const body = new Uint8Array(bytes).fill(0x61);
  const answer = await fetch(`${relay.url}/webhook/hook`, { method: "POST", body });
  await answer.body?.cancel();
  assert.equal(answer.status, 202);
}

for (const protocol of ["websocket", "sse", "long_poll"] as const) {
  test(`[${protocol}] a connector is given no more bytes than it can take in hand`, async (t) => {
    const relay = await startDevRelay(t);
    const answers: (() => void)[] = [];
    t.defer(() => answers.forEach((answer) => answer()));
    const target = await startTarget(t, async () => {
      await new Promise<void>((resolve) => answers.push(resolve));
      return 200;
    });
    for (let n = 0; n < 6; n++) await post(relay, 9_000);
    const given = settings(relay.url, target.url, protocol, { max_queue_bytes: 25_000 });
    const run = startConnector(t, given);
    const stats = () => {
      const { queued, inFlight } = relay.registry.named("dev")?.channel.stats ?? {};
      return { queued, inFlight, inHand: run.connector.inHand.messages };
    };
    for (let settled = 0; settled < 4; settled++) {
      await target.arrived(settled + 2);
      await turnsUntil(() => stats().inFlight === 2);
      await settle();
      // What waited behind it in a buffer would have a lease that nobody extends.
      assert.deepEqual(stats(), { queued: 4 - settled, inFlight: 2, inHand: 2 });
      answers[settled]?.();
    }
    await target.arrived(6);
    answers.forEach((answer) => answer());
    await run.happened("settlement.confirmed", 6);
    assert.equal(target.got.length, 6);
  });
}

test("[long_poll] an answer of the relay ends at eight megabytes of bodies", async (t) => {
  const relay = await startDevRelay(t);
  for (let n = 0; n < 4; n++) await post(relay, 5_000_000);
  const sizes: number[] = [];
  for (let n = 0; n < 2; n++) {
    const answer = await fetch(`${relay.url}/connect/stream/dev/poll?max_messages=100`, {
      headers: { Authorization: "Bearer s3cret", "X-Connector-Id": "k1" },
    });
    sizes.push((await answer.json()).messages.length);
  }
  assert.deepEqual(sizes, [2, 2]);
});

/** What becomes of an answer that is too much for somebody. */
const brokenAnswers: Record<string, (response: http.ServerResponse) => void> = {
  "never ends"(response) {
    const chunk = new Uint8Array(1024 * 1024).fill(0x20);
    const write = () => {
      while (!response.destroyed) if (!response.write(chunk)) return;
    };
    response.on("drain", write);
    write();
  },
  "is cut": (response) => void response.write('{"messages": [', () => response.destroy()),
  "ends too soon": (response) => void response.end('{"messages": ['),
};

/** A connector on a relay with so many webhooks, and how many messages each poll asks for; some are not passed on. */
async function startPolls(
  t: TestContext,
  webhooks: number,
  answers: (asked: readonly number[], response: http.ServerResponse) => boolean,
) {
  const relay = await startDevRelay(t);
  const target = await startTarget(t);
  const { channel } = relay.registry.named("dev") ?? {};
  for (let n = 0; n < webhooks; n++) await channel?.publish(messageWith({ id: `msg_${n}` }));
  const asked: number[] = [];
  const front = await startAnsweringFront(t, relay.url, ({ url = "" }, response) => {
    const most = new URL(url, relay.url).searchParams.get("max_messages");
    if (most === null) return false;
    asked.push(Number(most));
    return answers(asked, response);
  });
  const run = startConnector(t, settings(front, target.url, "long_poll"));
  return { run, target, asked };
}

for (const [what, answer] of Object.entries(brokenAnswers)) {
  test(`[long_poll] where an answer ${what} fewer messages are asked for, and more again once those came, each time later`, async (t) => {
    let most = 3;
    const { asked, target } = await startPolls(t, 300, (asked, response) => {
      if ((asked.at(-1) ?? 0) <= most) return false;
      if (asked.includes(2)) most = 100; // what cut the answers is gone
      response.writeHead(200, { "Content-Type": "application/json" });
      answer(response);
      return true;
    });
    await target.arrived(300);
    assert.deepEqual(asked.slice(0, 7), [100, 50, 25, 13, 7, 4, 2]);
    const [first = 0, second = 0] = asked.flatMap((most, at) =>
      at > 6 && most === 4 && asked[at - 1] === 2 ? [at] : []
    );
    assert.deepEqual(asked.slice(6, second), [2, 2, 2, 2, 4, 2, 2, 2, 2, 2, 2, 2, 2]);
    assert.equal(asked[first + 1], 2, "at once");
    assert.deepEqual([...new Set(asked.slice(second))].slice(0, 3), [4, 8, 16]);
  });
}

test("[long_poll] a page in the relay's place is no reason to ask for fewer messages", async (t) => {
  const { asked, target } = await startPolls(t, 1, (asked, response) => {
    if (asked.length > 6) return false;
    const isJson = asked.length % 2 === 0;
    response.writeHead(200, { "Content-Type": isJson ? "application/json" : "text/html" });
    response.end(isJson ? '{"error": "we are back soon"}\n' : "<!doctype html><title>Back soon");
    return true;
  });
  await target.arrived(1);
  assert.deepEqual([...new Set(asked)], [100]);
});

test("[long_poll] an answer that the connector itself breaks off is no reason to ask for fewer messages", async (t) => {
  const begun = Promise.withResolvers<http.ServerResponse>();
  const { asked, run } = await startPolls(t, 0, (asked, response) => {
    if (asked.length === 2) {
      response.writeHead(200, { "Content-Type": "application/json" });
      response.write('{"messages": [', () => begun.resolve(response));
    }
    return asked.length === 2;
  });
  const response = await begun.promise;
  let turns = 0;
  await turnsUntil(() => ++turns > 50); // it has read the head
  const closed = once(response, "close");
  run.connector.pause.pause();
  await closed;
  run.connector.pause.resume();
  await turnsUntil(() => asked.length > 2);
  assert.deepEqual([...new Set(asked)], [100]);
});

test("[long_poll] a proxy that cuts large answers keeps the small webhooks that came with a large one from nobody", async (t) => {
  const clock = new ManualClock();
  const relay = await startDevRelay(t, {}, { clock, heartbeatMs: 1e9 });
  const proxy = await startCuttingFront(t, relay.url, 1024 * 1024);
  const target = await startTarget(t);
  const small = 20;
  await post(relay, 2 * 1024 * 1024);
  for (let n = 0; n < small; n++) await post(relay, 100);
  const run = startConnector(t, settings(proxy, target.url, "long_poll"));
  const stats = () => relay.registry.named("dev")?.channel.stats;
  for (let round = 1; round <= 10; round++) {
    await run.happened("stream.failed", round);
    // What was in the answer that was cut is leased until the ack timeout.
    await turnsUntil(() => stats()?.inFlight === (stats()?.delivered === small ? 1 : small + 1));
    await clock.advance(30_000);
  }
  const { delivered, deadLettered } = stats() ?? {};
  assert.deepEqual({ delivered, deadLettered }, { delivered: small, deadLettered: 1 });
  assert.equal(target.got.length, small);
});

test("[long_poll] two messages that together are more than a connector reads of one answer come one after the other", async (t) => {
  const relay = await startDevRelay(t);
  const target = await startTarget(t);
  for (const bytes of [7_000_000, 10_000_000]) {
    const body = new Uint8Array(bytes).fill(0x01); // six characters each
    const answer = await fetch(`${relay.url}/webhook/hook`, { method: "POST", body });
    await answer.body?.cancel();
  }
  const run = startConnector(t, settings(relay.url, target.url, "long_poll"));
  await run.happened("settlement.confirmed", 2);
  assert.equal(run.events.find(({ type }) => type === "stream.failed"), undefined);
  assert.deepEqual(target.got.map(({ body }) => body.length), [7_000_000, 10_000_000]);
});
