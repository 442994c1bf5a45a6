/** What /metrics says of a running connector: numbers of messages, whatever they wait for. */
import assert from "node:assert/strict";
import { publish, settings, startDevRelay, startTarget } from "../support/rig.ts";
import { test } from "../support/test.ts";
import { startWatchedConnector } from "../support/watched_connector.ts";

/** Resolves once [in flight, waiting] of each target is so; it looks as often as is enough. */
async function loadsUntil(url: string, expected: Readonly<Record<string, [number, number]>>) {
  for (let looks = 1;; looks++) {
    const text = await (await fetch(`${url}/metrics`)).text();
    const of = (name: string, target: string) =>
      Number(new RegExp(`^hookferry_${name}\\{target="${target}"\\} (.*)$`, "m").exec(text)?.[1]);
    const got = Object.fromEntries(
      Object.keys(expected).map((name) => [name, [of("in_flight", name), of("queue_depth", name)]]),
    );
    if (JSON.stringify(got) === JSON.stringify(expected)) return;
    if (looks === 60) assert.deepEqual(got, expected);
  }
}

const never = () => new Promise<number>(() => {});

test("the messages of a batch that is under way are all in flight, those gathered for the next one wait", async (t) => {
  const target = await startTarget(t, never);
  const relay = await startDevRelay(t, { maxInFlight: 1_000 });
  const { url } = await startWatchedConnector(
    t,
    settings(relay.url, target.url, "websocket", {
      default_target: { batch: { max_messages: 10, max_wait_seconds: 60 } },
    }),
  );
  for (let n = 0; n < 13; n++) await publish(relay, String(n));
  await target.arrived(1);
  await loadsUntil(url, { default: [10, 3] });
});

test("each target tells of the messages that are with it: under way at one, waiting for a retry at another", async (t) => {
  const hangs = await startTarget(t, never);
  const fails = await startTarget(t, () => 503);
  const relay = await startDevRelay(t);
  const to = [
    { name: "hangs", url: hangs.url.href },
    { name: "fails", url: fails.url.href, retry_delay_seconds: 3_000 },
  ];
  const { url } = await startWatchedConnector(
    t,
    settings(relay.url, hangs.url, "websocket", { targets: { hook: { to } } }),
  );
  for (let n = 0; n < 4; n++) await publish(relay, String(n));
  await hangs.arrived(4);
  await fails.arrived(4);
  await loadsUntil(url, { hangs: [4, 0], fails: [0, 4], default: [0, 0] });
});

test("a message that has a place at its target and waits for one of all is not in flight", async (t) => {
  const hangs = await startTarget(t, never);
  const well = await startTarget(t);
  const relay = await startDevRelay(t, { webhookIds: ["hook", "other"] });
  const { url } = await startWatchedConnector(
    t,
    settings(relay.url, hangs.url, "websocket", {
      max_concurrent_requests: 2,
      targets: { other: { url: well.url.href } },
    }),
  );
  for (let n = 0; n < 3; n++) await publish(relay, String(n));
  await hangs.arrived(2);
  await (await fetch(`${relay.url}/webhook/other`, { method: "POST", body: "x" })).text();
  await loadsUntil(url, { default: [2, 1], other: [0, 1] });
  assert.equal(well.got.length, 0);
});

test("what is sent again by hand is a replay for /metrics as for /status, and no webhook that was delivered", async (t) => {
  const answers = [410, 200, 503, 410, 503, 200, 200];
  const target = await startTarget(t, () => answers.shift() ?? 500);
  const relay = await startDevRelay(t);
  const given = settings(relay.url, target.url, "websocket", { inspect: true });
  const { url, connector } = await startWatchedConnector(t, given);
  const get = async (path: string) => await (await fetch(url + path)).text();
  const replay = async (id: string) => {
    const ended = await connector.replay(id);
    return typeof ended === "object" ? ended.map(({ outcome }) => outcome.kind) : ended;
  };
  const refused = await publish(relay, "refused");
  await target.arrived(1);
  const taken = await publish(relay, "taken");
  while (!/"acked":1,"nacked":1/.test(await get("/status")));
  assert.deepEqual(await replay(refused), ["rejected"]);
  assert.deepEqual(await replay(refused), ["delivered"]);
  assert.deepEqual(await replay(taken), ["delivered"]);
  assert.deepEqual(answers, []);
  const metrics = await get("/metrics");
  const counted = metrics.match(
    /^hookferry_(deliveries|replays)_total.*$|^.*_lag_seconds_count.*$/gm,
  );
  assert.deepEqual(counted?.toSorted(), [
    'hookferry_deliveries_total{target="default",outcome="delivered"} 1',
    'hookferry_deliveries_total{target="default",outcome="rejected"} 1',
    'hookferry_delivery_lag_seconds_count{target="default"} 1',
    'hookferry_replays_total{target="default",result="delivered"} 2',
    'hookferry_replays_total{target="default",result="failed"} 1',
  ]);
  const { totals } = JSON.parse(await get("/status"));
  const { received, delivered, rejected, retried, replays } = totals;
  assert.deepEqual([received, delivered, rejected, retried], [2, 1, 1, 0]);
  assert.deepEqual(replays, { delivered: 2, failed: 1 });
});
