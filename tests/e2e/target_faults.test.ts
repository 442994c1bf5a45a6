/** A target with every fault at once: what it took is acknowledged, nothing else is, nothing is lost. */
import assert from "node:assert/strict";
import type http from "node:http";
import { seededRandom } from "../../src/async/seeded_random.ts";
import {
  publish,
  type Respond,
  settings,
  startConnector,
  startDevRelay,
  startTarget,
} from "../support/rig.ts";
import { test } from "../support/test.ts";

const idOf = (headers: http.IncomingHttpHeaders) => String(headers["x-webhook-message-id"]);

/** What a request meets, by chance; most are well. */
const faults: readonly [share: number, Respond][] = [
  [0.01, () => 500],
  [0.05, (_, __, response) => {
    response.setHeader("Retry-After", "0");
    return 429;
  }],
  [0.02, (_, __, response) => {
    response.setHeader("Location", "http://127.0.0.1:1/login");
    return 302;
  }],
  // The connection is reset before there is an answer.
  [0.03, (_, __, response) => {
    response.socket?.destroy();
    return new Promise(() => {});
  }],
];

test("500, 429, redirects and resets: 1,000 messages, none lost, nothing acknowledged that the target did not take", async (t) => {
  const random = seededRandom(7);
  const took = new Map<string, number>();
  const target = await startTarget(t, (n, got, response) => {
    let dice = random();
    for (const [share, fault] of faults) {
      if (dice < share) return fault(n, got, response);
      dice -= share;
    }
    const id = idOf(got.headers);
    took.set(id, (took.get(id) ?? 0) + 1);
    return 200;
  });
  const relay = await startDevRelay(t);
  const run = startConnector(
    t,
    settings(relay.url, target.url, "websocket", { default_target: { retry_max_attempts: 20 } }),
  );
  const sent: string[] = [];
  for (let i = 0; i < 1_000; i++) sent.push(await publish(relay, String(i)));
  await run.happened("settlement.confirmed", 1_000);
  const acked = run.events.flatMap((event) =>
    event.type === "settlement.confirmed" && event.verdict === "ack" ? [event.messageId] : []
  );
  const duplicates = [...took.values()].filter((times) => times > 1).length;
  const lost = sent.filter((id) => !took.has(id)).length;
  console.log(
    `sent ${sent.length}, delivered ${took.size}, acked ${acked.length}, ` +
      `duplicates ${duplicates}, lost ${lost}`,
  );
  assert.deepEqual({ lost, duplicates }, { lost: 0, duplicates: 0 });
  assert.deepEqual(acked.filter((id) => !took.has(id)), []);
  assert.equal(acked.length, 1_000);
});

test("a target that is down for a while: nothing lost, nothing put away, another target goes on beside it", async (t) => {
  let isDown = true;
  const failing = await startTarget(t, (_, __, response) => {
    if (!isDown) return 200;
    response.socket?.destroy();
    return new Promise(() => {});
  });
  const well = await startTarget(t);
  const relay = await startDevRelay(t, { webhookIds: ["down", "well"] });
  const run = startConnector(
    t,
    settings(relay.url, well.url, "websocket", {
      targets: {
        down: {
          url: failing.url.href,
          retry_delay_seconds: 0.01,
          breaker: { consecutive_failures: 5, open_seconds: 0.05, max_open_seconds: 0.2 },
        },
      },
    }),
  );
  const post = async (webhookId: string, body: string) => {
    const response = await fetch(`${relay.url}/webhook/${webhookId}`, { method: "POST", body });
    return (await response.json() as { message_id: string }).message_id;
  };
  const sent: string[] = [];
  for (let i = 0; i < 100; i++) {
    sent.push(await post("down", String(i)));
    await post("well", String(i));
  }
  await well.arrived(100);
  await run.happened("breaker.changed", 4);
  isDown = false;
  await run.happened("delivery.succeeded", 200);
  const seen = failing.got.filter(({ headers }) => headers["x-webhook-id"] === "down");
  assert.deepEqual(sent.filter((id) => !seen.some(({ headers }) => idOf(headers) === id)), []);
  assert.equal(well.got.length, 100);
  assert.equal(run.journal.deadLetters.count, 0);
  assert.equal(relay.registry.named("dev")?.channel.stats.deadLettered, 0);
});

/** Answers whose head says 200 and whose body is a trap. */
const traps: readonly [name: string, respond: Respond][] = [
  ["a body that drips a byte at a time and never ends", (_, __, response) => {
    response.writeHead(200);
    const timer = setInterval(() => response.write("."), 20);
    response.on("close", () => clearInterval(timer));
    return new Promise(() => {});
  }],
  ["a body that never comes", (_, __, response) => {
    response.writeHead(200, { "Content-Length": "1000" });
    response.flushHeaders();
    return new Promise(() => {});
  }],
  ["a body that is reset in the middle", (_, __, response) => {
    response.writeHead(200, { "Content-Length": "1000" });
    response.write("x", () => response.socket?.destroy());
    return new Promise(() => {});
  }],
];
for (const [name, respond] of traps) {
  test(`a 200 with ${name} is a delivery: acknowledged, not repeated, and the next goes on`, async (t) => {
    let isCutOff = false;
    const target = await startTarget(t, (n, got, response) => {
      if (n > 1) return 200;
      response.on("close", () => isCutOff = true);
      return respond(n, got, response);
    });
    const relay = await startDevRelay(t);
    const run = startConnector(
      t,
      settings(relay.url, target.url, "websocket", { default_target: { timeout_seconds: 60 } }),
    );
    await publish(relay, "trap");
    await run.happened("settlement.confirmed");
    // The target may still be at work on it.
    if (!name.includes("reset")) assert.equal(isCutOff, false);
    await publish(relay, "next");
    await run.happened("settlement.confirmed", 2);
    assert.equal(target.got.length, 2);
    assert.equal(relay.registry.named("dev")?.channel.stats.delivered, 2);
  });
}

test("a head that never comes is a timeout: tried again, and delivered when it answers", async (t) => {
  const target = await startTarget(t, (n) => n === 1 ? new Promise(() => {}) : 200);
  const relay = await startDevRelay(t);
  const run = startConnector(
    t,
    settings(relay.url, target.url, "websocket", { default_target: { timeout_seconds: 0.2 } }),
  );
  await publish(relay, "x");
  await run.happened("settlement.confirmed");
  assert.equal(target.got.length, 2);
  assert.match(JSON.stringify(run.events), /did not answer within 0.2 s/);
});

test("a response of a gigabyte is cut after its beginning: it costs neither time nor memory", async (t) => {
  const gigabyte = 1024 ** 3;
  let written = 0;
  const target = await startTarget(t, (_, __, response) => {
    response.writeHead(200, { "Content-Length": String(gigabyte) });
    const chunk = new Uint8Array(64 * 1024);
    const more = () => {
      while (!response.destroyed && written < gigabyte) {
        written += chunk.length;
        if (!response.write(chunk)) return void response.once("drain", more);
      }
    };
    more();
    return new Promise(() => {});
  });
  const relay = await startDevRelay(t);
  const run = startConnector(t, settings(relay.url, target.url, "websocket"));
  await publish(relay, "x");
  await run.happened("settlement.confirmed");
  assert.equal(relay.registry.named("dev")?.channel.stats.delivered, 1);
  assert.ok(written < 32 * 1024 ** 2, `${written} bytes of the response were taken`);
});

test("stopped at once while a target hangs, at any moment: everything goes back, and nothing else happens", async (t) => {
  for (const started of [1, 5, 6, 12, 30]) {
    const hanging = await startTarget(t, () => new Promise(() => {}));
    const relay = await startDevRelay(t);
    const run = startConnector(
      t,
      settings(relay.url, hanging.url, "websocket", {
        default_target: {
          timeout_seconds: 0.05,
          max_concurrent_requests: 5,
          breaker: { consecutive_failures: 0 },
        },
      }),
    );
    for (let i = 0; i < 20; i++) await publish(relay, String(i));
    await hanging.arrived(started);
    run.abort.abort();
    run.drain.abort();
    const { abandoned } = await run.ended;
    assert.ok(abandoned > 0);
    assert.equal(relay.registry.named("dev")?.channel.stats.delivered, 0);
  }
});
