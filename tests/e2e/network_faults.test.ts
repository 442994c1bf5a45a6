/** Everything that can happen to a connection, under load: nothing lost, nothing twice. */
import assert from "node:assert/strict";
import { parseConnectString } from "../../src/cli/connect_string.ts";
import { startProgram } from "../support/program.ts";
import { startProxy } from "../support/proxy.ts";
import {
  publish,
  type Running,
  settings,
  startConnector,
  startDevRelay,
  startTarget,
  type Target,
} from "../support/rig.ts";
import { test } from "../support/test.ts";

/** Prints and checks what came of the ids that were accepted. */
function assertOnce(what: string, sent: readonly string[], target: Target, acked: number): void {
  const seen = new Map<string, number>();
  for (const { headers } of target.got) {
    const id = String(headers["x-webhook-message-id"]);
    seen.set(id, (seen.get(id) ?? 0) + 1);
  }
  const lost = sent.filter((id) => !seen.has(id)).length;
  const duplicates = target.got.length - seen.size;
  console.log(
    `${what}: sent ${sent.length}, delivered ${seen.size}, acked ${acked}, ` +
      `duplicates ${duplicates}, lost ${lost}`,
  );
  assert.deepEqual({ lost, duplicates, acked }, { lost: 0, duplicates: 0, acked: sent.length });
}

function acks({ events }: Running): number {
  return new Set(
    events.flatMap((event) =>
      event.type === "settlement.confirmed" && event.verdict === "ack" ? [event.messageId] : []
    ),
  ).size;
}

async function publishAll(relay: { url: string }, count: number): Promise<string[]> {
  const ids: string[] = [];
  const numbers = Array.from({ length: count }, (_, i) => i).values();
  const worker = async () => {
    for (const number of numbers) {
      const response = await fetch(`${relay.url}/webhook/hook`, {
        method: "POST",
        body: String(number),
      });
      ids.push((await response.json() as { message_id: string }).message_id);
    }
  };
  await Promise.all([worker(), worker(), worker(), worker()]);
  return ids;
}

for (const protocol of ["websocket", "sse", "long_poll"] as const) {
  test(`[${protocol}] a connection cut every 200 messages: 1,000 delivered, none lost, none twice`, async (t) => {
    const relay = await startDevRelay(t, { ackTimeoutMs: 2_000 });
    const proxy = await startProxy(t, relay.url);
    const target = await startTarget(t, (n) => {
      if (n % 200 === 0) proxy.cut();
      return 200;
    });
    const run = startConnector(t, settings(proxy.url, target.url, protocol));
    await run.happened("stream.connected");
    const sent = await publishAll(relay, 1_000);
    await run.happened("settlement.confirmed", 1_000);
    assertOnce(`[${protocol}] cut every 200`, sent, target, acks(run));
  });

  test(`[${protocol}] a line that goes dead without closing: noticed by its silence, all delivered once over the next`, async (t) => {
    const relay = await startDevRelay(t, { ackTimeoutMs: 1_000 });
    const proxy = await startProxy(t, relay.url);
    const target = await startTarget(t, (n) => {
      if (n === 50) proxy.stall();
      return 200;
    });
    const run = startConnector(
      t,
      settings(proxy.url, target.url, protocol, { heartbeat_timeout: 1, poll_timeout: 1 }),
    );
    await run.happened("stream.connected");
    const sent = await publishAll(relay, 100);
    // What comes again over the next connection is told to the relay again, too.
    for (let n = 100; acks(run) < 100; n++) await run.happened("settlement.confirmed", n);
    assertOnce(`[${protocol}] dead line`, sent, target, acks(run));
    if (protocol !== "long_poll") {
      assert.ok(
        run.events.some((event) =>
          event.type === "stream.failed" && event.failureClass === "silent"
        ),
      );
    }
  });

  test(`[${protocol}] the relay killed and started again under load: what was accepted is delivered once`, async (t) => {
    const target = await startTarget(t);
    const env = { XDG_STATE_HOME: `${t.folder()}/relay` };
    const first = startProgram(t, ["relay", "--listen", "127.0.0.1:0"], env);
    const line = /'(.*)'/.exec(await first.line(/^connect /))?.[1] ?? "";
    const { url = "", token = "" } = parseConnectString(line) ?? {};
    const run = startConnector(
      t,
      settings(url, target.url, protocol, { channel: "default", token, heartbeat_timeout: 5 }),
    );
    await run.happened("stream.connected");
    const sent: string[] = [];
    const post = async () => {
      const response = await fetch(`${url}/webhook/default`, { method: "POST", body: "x" });
      const { message_id } = await response.json() as { message_id?: string };
      if (response.status === 202 && message_id !== undefined) sent.push(message_id);
    };
    for (let i = 0; i < 100; i++) await post();
    first.kill();
    await first.ended;
    const { host } = new URL(url);
    const second = startProgram(t, ["relay", "--listen", host], env);
    await second.line(/^listening /);
    for (let i = 0; i < 100; i++) await post();
    const done = async () => {
      for (let n = 1; acks(run) < sent.length; n++) await run.happened("settlement.confirmed", n);
    };
    await done();
    assertOnce(`[${protocol}] relay restarted`, sent, target, acks(run));
  });
}

test("a message that is published while nobody is connected is delivered when somebody is", async (t) => {
  const relay = await startDevRelay(t);
  const target = await startTarget(t);
  const id = await publish(relay, "early");
  const run = startConnector(t, settings(relay.url, target.url, "websocket"));
  await run.happened("settlement.confirmed");
  assertOnce("published early", [id], target, acks(run));
});
