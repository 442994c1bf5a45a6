/** Through a real relay with every fault at once: nothing is lost, and the target sees each message once. */
import assert from "node:assert/strict";
import type { Chaos } from "../../src/chaos/chaos.ts";
import type { RelayEvent } from "../../src/relay/relay_events.ts";
import { startOldRelay } from "../support/old_relay.ts";
import { writtenIn } from "../support/batches.ts";
import { publish, settings, startConnector, startDevRelay, startTarget } from "../support/rig.ts";
import { startProgram } from "../support/program.ts";
import { test, type TestContext } from "../support/test.ts";

const messages = 300;
const decoder = new TextDecoder();
const numbers = Array.from({ length: messages }, (_, i) => String(i));
const sorted = (bodies: string[]) => bodies.sort((a, b) => Number(a) - Number(b));
const chaos: Chaos = {
  dropAcks: 0.1,
  killConnection: 0.01,
  target5xx: 0.1,
  delayMs: 2,
  seed: 20260301,
};

/** A relay whose leases are short, what it saw, and the moment every message is acknowledged. */
async function startWatchedRelay(t: TestContext) {
  const counts = new Map<RelayEvent["type"], number>();
  const acked = new Set<string>();
  let allAcked: () => void;
  const done = new Promise<void>((resolve) => allAcked = resolve);
  const relay = await startDevRelay(t, { ackTimeoutMs: 400 }, {
    observe(event) {
      counts.set(event.type, (counts.get(event.type) ?? 0) + 1);
      if (event.type !== "relay.acked") return;
      acked.add(event.messageId);
      if (acked.size === messages) allAcked();
    },
  });
  return { relay, done, count: (type: RelayEvent["type"]) => counts.get(type) ?? 0 };
}

for (const protocol of ["websocket", "sse", "long_poll"] as const) {
  for (const batch of [undefined, { max_messages: 10, max_wait_seconds: 0.01 }]) {
    const how = batch ? ", in batches" : "";
    test(`[${protocol}] ${messages} messages under every fault${how}: none lost, each seen once by the target`, async (t) => {
      const target = await startTarget(t);
      const { relay, done, count } = await startWatchedRelay(t);
      const given = settings(relay.url, target.url, protocol, {
        // A message that is given back waits at the relay the longer, the more often it was handed out.
        default_target: { retry_max_attempts: 20, ...(batch && { batch }) },
      });
      const run = startConnector(t, given, { chaos });
      for (const number of numbers) await publish(relay, number);
      await done;
      const seen = batch
        ? target.got.flatMap(({ body }) => writtenIn(body).map((message) => message.body))
        : target.got.map(({ body }) => decoder.decode(body));
      assert.deepEqual(sorted(seen), numbers);
      assert.equal(count("relay.dead_lettered"), 0);

      // The faults did happen.
      const events = (type: string) => run.events.filter((event) => event.type === type);
      assert.match(JSON.stringify(events("config.warning")), /seed=20260301/);
      assert.ok(events("delivery.retrying").length > 0, "no attempt failed");
      const cuts = JSON.stringify(events("stream.disconnected")).split("chaos: the connection");
      assert.ok(cuts.length > 1, "no connection was cut");
      if (protocol === "websocket") {
        // A lost settlement comes to light when the lease is over, or sooner, when the connection is: the next one names it.
        const again = events("delivery.duplicate").filter((event) =>
          "state" in event && event.state === "finished"
        );
        const named = count("relay.lease_expired") + count("relay.lease_extended");
        assert.ok(named + again.length > 0, "no settlement was lost");
      } else {
        assert.match(JSON.stringify(events("settlement.failed")), /chaos: no answer for/);
      }
    });
  }
}

test("a socket that no relay confirms on counts a lost settlement as taken, as a real one would", async (t) => {
  const target = await startTarget(t);
  const relay = await startOldRelay(t);
  const run = startConnector(t, settings(relay.url, target.url, "websocket"), {
    chaos: { dropAcks: 1, killConnection: 0, target5xx: 0, delayMs: 0, seed: 1 },
  });
  relay.publish("{}");
  await run.happened("settlement.confirmed");
  assert.deepEqual(relay.acked, []);
});

const connect = ["connect", "--channel", "c", "--status-listen", "off", "--to", "1"];
const refused: [args: string[], said: RegExp][] = [
  [["--cloud-url", "https://relay.example", "--chaos", "drop-acks=0.1"], /add --i-know/],
  [["--cloud-url", "http://127.0.0.1:1", "--chaos=drop=0.1"], /--chaos "drop": use drop-acks/],
  [["--cloud-url", "http://127.0.0.1:1", "--chaos"], /--chaos "": use drop-acks/],
  [["--cloud-url", "http://127.0.0.1:1", "--i-know"], /--i-know goes with --chaos/],
];
for (const [args, said] of refused) {
  test(`connect ${args.slice(2).join(" ")} for ${args[1]} is a usage error`, async (t) => {
    const program = startProgram(t, [...connect, ...args], { CONNECTOR_TOKEN: "t" });
    assert.equal(await program.ended, 2, program.stderr.join("\n"));
    assert.match(program.stderr.join("\n"), said);
  });
}

test("connect --chaos for a relay on loopback, and with --i-know for any, starts and tells the seed", async (t) => {
  for (
    const args of [["http://127.0.0.1:1"], ["http://192.0.2.1:1", "--allow-insecure", "--i-know"]]
  ) {
    const program = startProgram(
      t,
      [...connect, "--chaos", "delay=1ms", "--cloud-url", ...args],
      { CONNECTOR_TOKEN: "t" },
    );
    assert.match(await program.line(/faults are on/), /--chaos .*delay=1ms,seed=\d+/);
    program.terminate();
    await program.ended;
  }
});
