/** What /metrics says of a running connector: numbers of messages, whatever they wait for. */
import assert from "node:assert/strict";
import { isDeepStrictEqual } from "node:util";
import { statusText } from "../../src/cli/status_text.ts";
import { startGate } from "../support/gate.ts";
import { startOldRelay } from "../support/old_relay.ts";
import { publish, settings, startDevRelay, startTarget } from "../support/rig.ts";
import { test } from "../support/test.ts";
import { startWatchedConnector } from "../support/watched_connector.ts";

/** Looks until it is so, as often as is enough. */
async function until(look: () => Promise<unknown>, expected: unknown): Promise<void> {
  for (let looks = 1;; looks++) {
    const got = await look();
    if (isDeepStrictEqual(got, expected)) return;
    if (looks === 500) assert.deepEqual(got, expected);
  }
}

/** The values of these, as they are named in /metrics. */
async function figures(url: string, names: readonly string[]): Promise<(number | undefined)[]> {
  const lines = (await (await fetch(`${url}/metrics`)).text()).split("\n");
  return names.map((name) => {
    const line = lines.find((line) => line.startsWith(`hookferry_${name} `));
    return line === undefined ? undefined : Number(line.split(" ")[1]);
  });
}

const inFlight = (target: string) => `in_flight{target="${target}"}`;
const waiting = (target: string) => `queue_depth{target="${target}"}`;
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
  await until(() => figures(url, [inFlight("default"), waiting("default")]), [10, 3]);
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
  await until(() => figures(url, ["hangs", "fails"].map(inFlight)), [4, 0]);
  await until(() => figures(url, ["hangs", "fails"].map(waiting)), [0, 4]);
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
  await until(() => figures(url, ["default", "other"].map(inFlight)), [2, 0]);
  await until(() => figures(url, ["default", "other"].map(waiting)), [1, 1]);
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
  const settled = async () => /"acked":1,"nacked":1/.test(await get("/status"));
  await until(settled, true);
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

test("settlements that the relay does not take are told, with how long the oldest waits, until they are taken", async (t) => {
  const target = await startTarget(t);
  const relay = await startOldRelay(t);
  const blocked = new Set(["websocket", "ack"]);
  const gate = await startGate(t, relay.url, blocked);
  const { url } = await startWatchedConnector(t, settings(gate, target.url, "sse"));
  const left = () => figures(url, ["in_hand_messages", "unconfirmed_settlements"]);
  const isOld = async () => (await figures(url, ["oldest_unconfirmed_age_seconds"]))[0] !== 0;
  for (let n = 0; n < 3; n++) relay.publish(String(n));
  await until(left, [0, 3]);
  assert.ok(await isOld());
  const status = JSON.parse(await (await fetch(`${url}/status`)).text());
  assert.equal(status.unconfirmed.settlements, 3);
  assert.match(
    statusText(status) ?? "",
    /^in hand .*; the relay has not confirmed 3 settlements, the oldest for \d+s$/m,
  );
  blocked.delete("ack");
  await until(left, [0, 0]);
  assert.ok(!await isOld());
  assert.equal(relay.acked.length, 3);
});

test("ids, paths and bodies of webhooks make no series: labels are few, whatever comes", async (t) => {
  const webhookIds = Array.from({ length: 60 }, (_, n) => `hook_${n}`);
  // Every fifth fails for now, every fifth for good, by what is in its body.
  const target = await startTarget(t, (_n, { body, headers }) => {
    const way = Number(new TextDecoder().decode(body)) % 5;
    if (way === 0 && headers["x-webhook-attempt"] === "1") return 503;
    return way === 1 ? 410 : 200;
  });
  const relay = await startDevRelay(t, { webhookIds });
  const given = settings(relay.url, target.url, "websocket", { inspect: true });
  const { url, connector } = await startWatchedConnector(t, given);
  const series = async () => {
    const texts = [url, relay.url].map(async (from) =>
      await (await fetch(`${from}/metrics`)).text()
    );
    const lines = (await Promise.all(texts)).join("").split("\n");
    return lines.filter((line) => /^\w/.test(line)).map((line) => line.replace(/ [^ ]*$/, ""));
  };
  const passed = async () => {
    const { totals } = JSON.parse(await (await fetch(`${url}/status`)).text());
    return totals.acked + totals.nacked;
  };
  const send = async (from: number, to: number) => {
    for (const [n, id] of [...webhookIds.entries()].slice(from, to)) {
      const to = `${relay.url}/webhook/${id}/path/${n}?query=${n}`;
      const response = await fetch(to, { method: "POST", body: String(n) });
      const { message_id } = await response.json() as { message_id: string };
      await until(passed, n + 1);
      await connector.replay(message_id);
    }
    return await series();
  };
  const few = await send(0, 5);
  const many = await send(5, 60);
  assert.deepEqual(many.toSorted(), few.toSorted());
  const labels = many.flatMap((one) => [...one.matchAll(/[{,](\w+)="/g)].map(([, name]) => name));
  const known = ["target", "outcome", "result", "reason", "state", "verdict", "transport", "kind"];
  known.push("channel", "protocol", "le", "version", "runtime");
  assert.deepEqual([...new Set(labels)].filter((name) => !known.includes(name ?? "")), []);
});
