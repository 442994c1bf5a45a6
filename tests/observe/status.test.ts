import assert from "node:assert/strict";
import type { ConnectorEvent } from "../../src/observe/events.ts";
import { foldStatus } from "../../src/observe/status.ts";
import { ManualClock } from "../support/manual_clock.ts";
import { test } from "../support/test.ts";

test("while not connected readiness and status name the relay and why now, not a failure of long ago", () => {
  const { observe, readiness, status } = foldStatus({
    clock: new ManualClock(0),
    targetNames: () => [],
    about: {},
    now: () => ({
      connectorId: "one",
      inHand: { messages: 0, bytes: 0 },
      heardAt: undefined,
      journal: { place: "memory", problem: undefined, deadLetters: { messages: 0, bytes: 0 } },
    }),
  });
  const failed = (message: string): ConnectorEvent => ({
    type: "stream.failed",
    transport: "sse",
    failureClass: "network",
    message,
    retryInMs: 1,
  });
  const reason = () => (status()["connection"] as { reason?: string | null }).reason;
  assert.equal(reason(), null);
  const detail = () => readiness().parts.find(({ name }) => name === "connection")?.detail;
  assert.equal(detail(), "not connected yet");
  observe({ type: "connector.started", source: "https://relay.example", channel: "dev" });
  observe(failed("cannot open a stream at https://relay.example: refused"));
  assert.equal(detail(), "cannot open a stream at https://relay.example: refused");
  observe({
    ...{ type: "stream.connected", transport: "sse", connectionId: "1", downMs: 1 },
    capabilities: [],
  });
  assert.equal(detail(), "connected over sse");
  observe({ type: "stream.disconnected", transport: "sse", reason: "it was closed", upMs: 1 });
  assert.equal(detail(), "the stream from https://relay.example has ended: it was closed");
  assert.equal(reason(), detail());
  observe(failed("cannot open a stream at https://relay.example: no route"));
  assert.equal(detail(), "cannot open a stream at https://relay.example: no route");
});
