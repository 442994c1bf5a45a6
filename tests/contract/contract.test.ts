/** What must hold over every transport, against our relay and against one that behaves as the old one does. */
import assert from "node:assert/strict";
import { StreamFailure } from "../../src/flow.ts";
import { startProxy } from "../support/proxy.ts";
import { oldRelay, ourRelay } from "../support/relays.ts";
import { settings, startConnector, startTarget } from "../support/rig.ts";
import { test } from "../support/test.ts";

const nowhere = new URL("http://127.0.0.1:1/");

for (const kind of [ourRelay, oldRelay]) {
  for (const protocol of ["websocket", "sse", "long_poll"] as const) {
    const contract = (name: string, body: Parameters<typeof test>[1]) =>
      test(`[${protocol}, ${kind.name}] ${name}`, body);
    const takesAcks = kind.takesAcks(protocol);

    contract("a webhook is delivered and acknowledged, once", async (t) => {
      const target = await startTarget(t);
      const relay = await kind.start(t);
      const run = startConnector(t, settings(relay.url, target.url, protocol));
      await relay.publish('{"n": 1.10, "s": "é☃"}');
      await run.happened("settlement.confirmed");
      run.drain.abort();
      assert.deepEqual(await run.ended, { abandoned: 0 });
      assert.equal(target.got.length, 1);
      assert.equal(target.got[0]?.method, "POST");
      assert.equal(relay.acked(), takesAcks ? 1 : 0);
    });

    contract(
      "a target that fails twice gets the webhook a third time, and it is acknowledged once",
      async (t) => {
        const target = await startTarget(t, (n) => n < 3 ? 503 : 204);
        const relay = await kind.start(t);
        const run = startConnector(t, settings(relay.url, target.url, protocol));
        const id = await relay.publish("x");
        await run.happened("settlement.confirmed");
        assert.deepEqual(target.got.map(({ headers }) => headers["x-webhook-attempt"]), [
          "1",
          "2",
          "3",
        ]);
        assert.deepEqual(target.got.map(({ headers }) => headers["idempotency-key"]), [id, id, id]);
        if (takesAcks) await relay.hasSettled(1);
        assert.equal(relay.acked(), takesAcks ? 1 : 0);
      },
    );

    contract("a webhook the target rejects goes to the dead letters, once", async (t) => {
      const target = await startTarget(t, () => 410);
      const relay = await kind.start(t);
      const run = startConnector(t, settings(relay.url, target.url, protocol));
      const id = await relay.publish("x");
      await run.happened("settlement.confirmed");
      assert.equal(target.got.length, 1);
      if (takesAcks) await relay.hasSettled(1);
      assert.deepEqual(await relay.deadLetters(), takesAcks ? [id] : []);
    });

    contract("a redirect is neither followed nor taken for success", async (t) => {
      const target = await startTarget(t, (n) => n < 3 ? 302 : 200);
      const relay = await kind.start(t);
      const run = startConnector(t, settings(relay.url, target.url, protocol));
      await relay.publish("x");
      await run.happened("settlement.confirmed");
      assert.deepEqual(target.got.map(({ method }) => method), ["POST", "POST", "POST"]);
    });

    contract("what was given up comes again, and is then delivered", async (t) => {
      const target = await startTarget(t, (n) => n <= 3 ? 503 : 200);
      const relay = await kind.start(t);
      const run = startConnector(t, settings(relay.url, target.url, protocol));
      await relay.publish("x");
      await run.happened("delivery.succeeded");
      assert.equal(target.got.length, 4);
      const failed = run.events.find((event) => event.type === "delivery.failed");
      assert.equal(failed?.outcome, "exhausted");
    });

    contract(
      "a connection lost before the ack: the target is called once, it is acknowledged",
      async (t) => {
        let answer = (_status: number) => {};
        const target = await startTarget(t, () => new Promise((resolve) => answer = resolve));
        const relay = await kind.start(t, { ackTimeoutMs: 200 });
        const proxy = await startProxy(t, relay.url);
        const run = startConnector(t, settings(proxy.url, target.url, protocol));
        await relay.publish("x");
        await target.arrived(1);
        proxy.cut();
        // It comes again, but from our relay: there the lease outlives the connection and is extended.
        if (kind !== ourRelay) await run.happened("delivery.duplicate");
        answer(200);
        await run.happened("settlement.confirmed");
        assert.equal(target.got.length, 1);
        assert.equal(run.events.filter(({ type }) => type === "delivery.succeeded").length, 1);
        if (takesAcks) await relay.hasSettled(1);
        assert.equal(relay.acked(), takesAcks ? 1 : 0);
      },
    );

    contract("a refused token ends the connector when it is told to stop then", async (t) => {
      const relay = await kind.start(t);
      const run = startConnector(
        t,
        settings(relay.url, nowhere, protocol, { token: "wrong-token" }),
      );
      await assert.rejects(run.ended, (error) => {
        assert.ok(error instanceof StreamFailure);
        assert.equal(error.failureClass, "rejected");
        assert.match(error.message, /check the token/);
        assert.doesNotMatch(error.message, /wrong-token/);
        return true;
      });
    });

    contract("a refused token is tried again, slowly, when nothing is said", async (t) => {
      const relay = await kind.start(t);
      const given = settings(relay.url, nowhere, protocol, {
        token: "wrong-token",
        exit_on_auth_failure: false,
      });
      const run = startConnector(t, given);
      await run.happened("stream.failed", 3);
      for (const event of run.events) {
        if (event.type !== "stream.failed") continue;
        assert.equal(event.failureClass, "rejected");
        assert.ok(event.retryInMs >= 25, `only ${event.retryInMs} ms of a cap of 100`);
      }
    });

    contract(
      "a drain with five deliveries in hand finishes them: none lost, none twice",
      async (t) => {
        const answers: ((status: number) => void)[] = [];
        const target = await startTarget(t, () => new Promise((resolve) => answers.push(resolve)));
        const relay = await kind.start(t);
        const run = startConnector(t, settings(relay.url, target.url, protocol));
        for (let i = 0; i < 5; i++) await relay.publish(String(i));
        await target.arrived(5);
        run.drain.abort();
        await run.happened("connector.draining");
        for (const answer of answers) answer(200);
        assert.deepEqual(await run.ended, { abandoned: 0 });
        assert.equal(target.got.length, 5);
        assert.equal(relay.acked(), takesAcks ? 5 : 0);
      },
    );

    contract("what hangs when the grace is over is given back to the relay", async (t) => {
      const target = await startTarget(t, () => new Promise(() => {}));
      const relay = await kind.start(t);
      const given = settings(relay.url, target.url, protocol, { shutdown_grace_seconds: 0.05 });
      const run = startConnector(t, given);
      await relay.publish("x");
      await target.arrived(1);
      run.drain.abort();
      assert.deepEqual(await run.ended, { abandoned: 1 });
      assert.equal(relay.acked(), 0);
      assert.deepEqual(await relay.deadLetters(), []);
    });

    contract("ten megabytes come through whole", async (t) => {
      const target = await startTarget(t);
      const relay = await kind.start(t);
      const run = startConnector(t, settings(relay.url, target.url, protocol));
      const body = `{"big":"${"é".repeat(5 * 1024 * 1024 - 8)}"}`;
      await relay.publish(body);
      await run.happened("settlement.confirmed");
      assert.ok(Buffer.from(body).equals(target.got[0]?.body ?? new Uint8Array()));
    });

    contract("frames cut anywhere on the way are put together again", async (t) => {
      const target = await startTarget(t);
      const relay = await kind.start(t);
      const proxy = await startProxy(t, relay.url, 7);
      const run = startConnector(t, settings(proxy.url, target.url, protocol));
      const bodies = ['{"s":"é☃😀"}', '{"lines":"a\\nb"}', "[1,2]"];
      for (const body of bodies) await relay.publish(body);
      await run.happened("delivery.succeeded", 3);
      const got = target.got.map(({ body }) => new TextDecoder().decode(body));
      assert.deepEqual(got.sort(), [...bodies].sort());
    });
  }
}
