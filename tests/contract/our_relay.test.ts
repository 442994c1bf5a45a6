/** What must hold over every transport, against our real relay. */
import assert from "node:assert/strict";
import { Secret } from "../../src/config/secret.ts";
import { StreamFailure } from "../../src/flow.ts";
import { publish, settings, startConnector, startDevRelay, startTarget } from "../support/rig.ts";
import { test } from "../support/test.ts";

for (const protocol of ["websocket", "sse", "long_poll"] as const) {
  const contract = (name: string, body: Parameters<typeof test>[1]) =>
    test(`[${protocol}, our relay] ${name}`, body);

  contract(
    "a target that fails twice gets the webhook a third time, and it is acknowledged once",
    async (t) => {
      const target = await startTarget(t, (n) => n < 3 ? 503 : 204);
      const relay = await startDevRelay(t);
      const run = startConnector(t, settings(relay.url, target.url, protocol));
      const id = await publish(relay, "x");
      await run.happened("settlement.confirmed");
      assert.deepEqual(target.got.map(({ headers }) => headers["x-webhook-attempt"]), [
        "1",
        "2",
        "3",
      ]);
      assert.deepEqual(target.got.map(({ headers }) => headers["idempotency-key"]), [id, id, id]);
      assert.equal(relay.registry.named("dev")?.channel.store.stats().delivered, 1);
    },
  );

  contract("a webhook the target rejects goes to the dead letters, once", async (t) => {
    const target = await startTarget(t, () => 410);
    const relay = await startDevRelay(t);
    const run = startConnector(t, settings(relay.url, target.url, protocol));
    const id = await publish(relay, "x");
    await run.happened("settlement.confirmed");
    assert.equal(target.got.length, 1);
    const letters = await relay.registry.named("dev")?.channel.store.deadLetters(10);
    assert.deepEqual(letters?.map(({ message }) => message.envelope.id), [id]);
  });

  contract("a redirect is neither followed nor taken for success", async (t) => {
    const target = await startTarget(t, (n) => n < 3 ? 302 : 200);
    const relay = await startDevRelay(t);
    const run = startConnector(t, settings(relay.url, target.url, protocol));
    await publish(relay, "x");
    await run.happened("settlement.confirmed");
    assert.deepEqual(target.got.map(({ method }) => method), ["POST", "POST", "POST"]);
  });

  contract(
    "a webhook whose ack is late comes again and the target is not called again",
    async (t) => {
      let answer = (_status: number) => {};
      const target = await startTarget(t, () => new Promise((resolve) => answer = resolve));
      const relay = await startDevRelay(t, { ackTimeoutMs: 50 });
      const run = startConnector(t, settings(relay.url, target.url, protocol));
      await publish(relay, "x");
      await target.arrived(1);
      await run.happened("delivery.duplicate");
      answer(200);
      await run.happened("settlement.confirmed");
      assert.equal(target.got.length, 1);
      assert.equal(run.events.filter(({ type }) => type === "delivery.succeeded").length, 1);
    },
  );

  contract("a refused token ends the connector when it is told to stop then", async (t) => {
    const relay = await startDevRelay(t);
    const given = settings(relay.url, new URL("http://127.0.0.1:1/"), protocol);
    const run = startConnector(t, {
      ...given,
      source: { ...given.source, token: new Secret("wrong") },
    });
    await assert.rejects(run.ended, (error) => {
      assert.ok(error instanceof StreamFailure);
      assert.equal(error.failureClass, "rejected");
      assert.match(error.message, /check the token/);
      assert.doesNotMatch(error.message, /wrong/);
      return true;
    });
  });

  contract(
    "a drain with five deliveries in hand finishes them: none lost, none twice",
    async (t) => {
      const answers: ((status: number) => void)[] = [];
      const target = await startTarget(t, () => new Promise((resolve) => answers.push(resolve)));
      const relay = await startDevRelay(t);
      const run = startConnector(t, settings(relay.url, target.url, protocol));
      for (let i = 0; i < 5; i++) await publish(relay, String(i));
      await target.arrived(5);
      run.drain.abort();
      await run.happened("connector.draining");
      for (const answer of answers) answer(200);
      assert.deepEqual(await run.ended, { abandoned: 0 });
      assert.equal(target.got.length, 5);
      const stats = relay.registry.named("dev")?.channel.store.stats();
      assert.deepEqual([stats?.delivered, stats?.queued, stats?.inFlight], [5, 0, 0]);
    },
  );

  contract("what a hung target leaves unfinished is given back to the relay", async (t) => {
    const target = await startTarget(t, () => new Promise(() => {}));
    const relay = await startDevRelay(t);
    const given = settings(relay.url, target.url, protocol);
    const run = startConnector(t, {
      ...given,
      delivery: { ...given.delivery, shutdownGraceMs: 50 },
    });
    await publish(relay, "x");
    await target.arrived(1);
    run.drain.abort();
    assert.deepEqual(await run.ended, { abandoned: 1 });
    const stats = relay.registry.named("dev")?.channel.store.stats();
    assert.deepEqual([stats?.delivered, stats?.queued, stats?.inFlight], [0, 1, 0]);
  });
}
