import assert from "node:assert/strict";
import type { RelayEvent } from "../../src/relay/relay_events.ts";
import { openSocket } from "../support/old_client.ts";
import { startDevRelay } from "../support/rig.ts";
import { test } from "../support/test.ts";

const trace = "4bf92f3577b34da6a3ce929d0e0e4736";
const parent = `00-${trace}-00f067aa0ba902b7-01`;

test("a webhook keeps its trace, or gets one, and the relay's log names it", async (t) => {
  const events: RelayEvent[] = [];
  const relay = await startDevRelay(t, {}, { observe: (event) => events.push(event) });
  const { frame } = await openSocket(t, relay);
  await frame(0);
  const post = async (headers: Record<string, string>, n: number) => {
    await fetch(`${relay.url}/webhook/hook`, { method: "POST", body: "{}", headers })
      .then((response) => response.body?.cancel());
    return (await frame(n))["headers"] as Record<string, string>;
  };
  const kept = await post({ traceparent: parent, tracestate: "a=1" }, 1);
  assert.deepEqual([kept["traceparent"], kept["tracestate"]], [parent, "a=1"]);
  const future = `01-${trace}-00f067aa0ba902b7-01-more`;
  assert.equal((await post({ traceparent: future }, 2))["traceparent"], future);
  const made = (await post({}, 3))["traceparent"] ?? "";
  assert.match(made, /^00-[0-9a-f]{32}-[0-9a-f]{16}-00$/);
  const wrong = [
    `00-${"0".repeat(32)}-00f067aa0ba902b7-01`,
    `ff-${trace}-00f067aa0ba902b7-01`,
    "x",
  ];
  for (const [i, traceparent] of wrong.entries()) {
    const headers = await post({ traceparent, tracestate: "a=1" }, 4 + i);
    assert.notEqual(headers["traceparent"], traceparent);
    assert.equal(headers["tracestate"], undefined);
  }
  const traces = events.flatMap((event) => event.type === "relay.ingested" ? [event.traceId] : []);
  assert.deepEqual(traces.slice(0, 3), [trace, trace, made.slice(3, 35)]);
});
