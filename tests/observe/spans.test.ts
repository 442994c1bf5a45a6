/** What the events of a real connector come to as spans. */
import assert from "node:assert/strict";
import { systemClock } from "../../src/async/clock.ts";
import type { ConnectorEvent } from "../../src/observe/events.ts";
import { foldSpans } from "../../src/observe/spans.ts";
import type { Span } from "../../src/protocol/trace_context.ts";
import { startOldRelay } from "../support/old_relay.ts";
import { startProxy } from "../support/proxy.ts";
import { ManualClock } from "../support/manual_clock.ts";
import { settings, startConnector, startTarget } from "../support/rig.ts";
import { test, type TestContext } from "../support/test.ts";

const trace = "4bf92f3577b34da6a3ce929d0e0e4736";
const sender = "00f067aa0ba902b7";

function spansOf(events: readonly ConnectorEvent[]): Span[] {
  const spans: Span[] = [];
  const { observe } = foldSpans((span) => spans.push(span), systemClock);
  events.forEach(observe);
  return spans;
}

/**
 * A webhook that its target has, through a proxy that can be cut; `answer` ends its first request. Of an old relay, which
 * brings it again after a cut: ours keeps it for us.
 */
async function startInHand(t: TestContext) {
  const relay = await startOldRelay(t);
  const proxy = await startProxy(t, relay.url);
  let answer = (_status: number) => {};
  const target = await startTarget(
    t,
    (n) => n === 1 ? new Promise((resolve) => answer = resolve) : 200,
  );
  const given = settings(proxy.url, target.url, "sse", {
    default_target: { retry_max_attempts: 1 },
  });
  const run = startConnector(t, given, { sample: () => true });
  relay.publish("x", { traceparent: `00-${trace}-${sender}-01` });
  await target.arrived(1);
  return { proxy, run, answer: (status: number) => answer(status) };
}

/** The names, when no span has a parent that is not there. */
function treeOf(spans: readonly Span[]): string {
  const ids = new Set([sender, ...spans.map(({ spanId }) => spanId)]);
  assert.equal(ids.size, spans.length + 1, "no id twice");
  const lost = spans.filter(({ parentSpanId = "" }) => !ids.has(parentSpanId));
  assert.deepEqual(lost.map(({ name }) => name), []);
  return spans.map(({ name }) => name).sort().join(", ");
}

test("what is delivered again, since the relay never heard how it ended, has spans of its own", async (t) => {
  const { proxy, run, answer } = await startInHand(t);
  proxy.stall();
  answer(503);
  await run.happened("delivery.failed");
  proxy.cut();
  await run.happened("settlement.confirmed");
  const spans = spansOf(run.events);
  assert.equal(
    treeOf(spans),
    "ack, attempt 1, attempt 1, deliver, deliver, queue, queue, stream, stream",
  );
  const delivers = spans.filter(({ name }) => name === "deliver");
  assert.deepEqual(delivers.map(({ error }) => error), ["the target answered 503", undefined]);
});

test("a copy of what is in hand begins no spans", async (t) => {
  const { proxy, run, answer } = await startInHand(t);
  proxy.cut();
  await run.happened("delivery.duplicate");
  answer(200);
  await run.happened("settlement.confirmed");
  assert.equal(treeOf(spansOf(run.events)), "ack, attempt 1, deliver, queue, stream");
});

test("no span ends before it begins or begins before its message came: durations are rounded, clocks are set", async () => {
  for (
    const [setBy, wanted] of [
      [0, ["stream 997..1000", "queue 1000..1000", "attempt 1 1000..1012"]],
      [-100, ["stream 997..1000", "queue 1000..1000", "attempt 1 1000..1000"]],
    ] as const
  ) {
    const clock = new ManualClock(1_000);
    const spans: Span[] = [];
    const { observe } = foldSpans((span) => spans.push(span), clock);
    const about = { messageId: "m", webhookId: "hook", traceId: trace, spanId: sender };
    observe({
      ...{ type: "delivery.received", ...about, method: "POST", path: "", bytes: 1, lagMs: 3 },
    });
    await clock.advance(12);
    clock.jump(setBy);
    observe({
      ...{ type: "delivery.attempted", ...about, target: "a", attempt: 1, durationMs: 13 },
      ...{ result: "delivered", status: 200 },
    });
    assert.deepEqual(
      spans.map(({ name, startedAt, endedAt }) => `${name} ${startedAt}..${endedAt}`),
      wanted,
    );
  }
});
