import assert from "node:assert/strict";
import { statusText } from "../../src/cli/status_text.ts";
import type { ConnectorEvent } from "../../src/observe/events.ts";
import { foldStatus } from "../../src/observe/status.ts";
import { ManualClock } from "../support/manual_clock.ts";
import { quietNow } from "../support/quiet_now.ts";
import { test } from "../support/test.ts";

function start() {
  const clock = new ManualClock(0);
  const fold = foldStatus({
    clock,
    targets: () => [{ name: "a", inFlight: 0, waiting: 0 }],
    about: { version: "1", runtime: "test" },
    now: quietNow,
  });
  /** A line of `hookferry status`. */
  const line = (name: string) => {
    const lines = statusText(fold.status())?.split("\n") ?? [];
    return lines.find((line) => line.startsWith(`${name}  `))?.slice(name.length).trim();
  };
  return { clock, ...fold, line };
}

const about = { messageId: "msg_1", webhookId: "hook", target: "a" };
const reason = { code: "status", message: "the target answered 404", status: 404 } as const;
const received: ConnectorEvent = {
  type: "delivery.received",
  ...about,
  ...{ method: "POST", path: "", bytes: 1, lagMs: 1 },
};

const connected: ConnectorEvent = {
  ...{ type: "stream.connected", transport: "sse", connectionId: "1", downMs: 1 },
  capabilities: [],
};
const disconnected: ConnectorEvent = {
  ...{ type: "stream.disconnected", transport: "sse", reason: "it was closed", upMs: 1 },
  by: "relay_or_network",
};

function attempted(result: "delivered" | "transient" | "permanent"): ConnectorEvent {
  return { type: "delivery.attempted", ...about, attempt: 1, result, durationMs: 1, reason };
}

test("while not connected readiness and status name the relay and why now, not a failure of long ago", () => {
  const { observe, readiness, status } = start();
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
  observe(connected);
  assert.equal(detail(), "connected over sse");
  observe(disconnected);
  assert.equal(detail(), "the stream from https://relay.example has ended: it was closed");
  assert.equal(reason(), detail());
  observe(failed("cannot open a stream at https://relay.example: no route"));
  assert.equal(detail(), "cannot open a stream at https://relay.example: no route");
});

test("a clock that is set changes nothing of how long it runs, is connected or is not", async () => {
  const { clock, observe, line, status } = start();
  const jumps = async () => {
    await clock.advance(1_000);
    clock.jump(259_200_000);
    await clock.advance(1_000);
    clock.jump(-2 * 259_200_000);
  };
  await jumps();
  assert.equal(line("relay"), "not connected for 2s");
  observe(connected);
  await jumps();
  assert.equal(line("relay"), "connected over sse for 2s, heard 2s ago");
  observe(disconnected);
  await jumps();
  const { uptime_seconds, reconnects } = status();
  assert.equal(uptime_seconds, 6);
  assert.equal((reconnects as Record<string, unknown>)["disconnected_seconds"], 4);
});

test("status has nothing that a terminal would obey, whatever a relay says", () => {
  const { observe, line } = start();
  observe({
    ...{ type: "stream.failed", transport: "sse", failureClass: "network", retryInMs: 1 },
    message: "no\x1b[2J\x9b2J\x7f",
  });
  assert.equal(line("relay"), "not connected for 0s: no\ufffd[2J\ufffd2J\ufffd");
});

test("a target that refuses every webhook answers, for status as for readiness", () => {
  const { observe, readiness, line } = start();
  const ready = () => readiness().parts.find(({ name }) => name === "target a")?.detail;
  assert.deepEqual([line("target a"), ready()], ["not tried yet", "not tried yet"]);
  observe(attempted("permanent"));
  assert.deepEqual([line("target a"), ready()], ["answers, nothing delivered yet", "answers"]);
  observe(attempted("delivered"));
  assert.equal(line("target a"), "well, last delivery 1970-01-01T00:00:00.000Z");
});

test("of a request with several messages readiness counts what the whole came to, once", () => {
  const { observe, readiness } = start();
  const ready = () => readiness().parts.find(({ name }) => name === "target a")?.ready;
  const sent = (results: ("delivered" | "transient")[], failed: boolean) => {
    const request = { failed };
    for (const result of results) observe({ ...attempted(result), request } as ConnectorEvent);
  };
  const [all, some] = [["transient", "transient"], ["delivered", "transient"]] as const;
  for (
    const [results, failed, isReady] of [
      [all, true, true],
      [all, true, true],
      [some, false, true],
      [all, true, true],
      [all, true, true],
      [all, true, false],
    ] as const
  ) {
    sent([...results], failed);
    assert.equal(ready(), isReady);
  }
});

test("a target that failed has not been tried when other settings count, unless its breaker still is open", () => {
  const { observe, readiness } = start();
  const ready = () => readiness().parts.find(({ name }) => name === "target a")?.ready;
  const reloaded = (changed: string[]) =>
    observe({ type: "config.reloaded", changed, needsRestart: [] });
  for (let n = 0; n < 3; n++) observe(attempted("transient"));
  assert.equal(ready(), false);
  reloaded([]);
  assert.equal(ready(), false);
  reloaded(["default_target.url: a -> b"]);
  assert.equal(ready(), true);
  observe(attempted("transient"));
  observe({ type: "breaker.changed", target: "a", state: "open", openMs: 5_000 });
  reloaded(["default_target.url: b -> c"]);
  assert.equal(ready(), false);
});

test("so far adds up: copies that came again are told, and what was given back", () => {
  const { observe, line } = start();
  assert.equal(line("so far"), "0 received, 0 delivered, 0 retried, 0 failed");
  for (let n = 0; n < 5; n++) observe(received);
  observe({ type: "delivery.duplicate", ...about, state: "finished", outcome: "delivered" });
  observe({ type: "delivery.duplicate", ...about, state: "in_flight" });
  const attempts = 1;
  const failed = (outcome: "rejected" | "abandoned") =>
    observe({ type: "delivery.failed", ...about, outcome, attempts, reason });
  failed("rejected");
  failed("abandoned");
  observe({ type: "delivery.deferred", ...about, reason, delayMs: 1 });
  assert.equal(
    line("so far"),
    "5 received (2 duplicates), 0 delivered, 0 retried, 1 failed, 2 given back",
  );
});

test("what is sent again by hand is told apart, however it ends", () => {
  const { observe, line } = start();
  const failed = (outcome: "rejected" | "exhausted", replay?: { replay: true }) =>
    observe({ type: "delivery.failed", ...about, outcome, attempts: 1, reason, ...replay });
  const replay = { replay: true } as const;
  const replayed = (delivered: boolean) =>
    observe({ type: "dead_letter.replayed", ...about, delivered });
  observe(received);
  failed("rejected");
  failed("exhausted", replay);
  replayed(false);
  const first = "1 received, 0 delivered, 0 retried, 1 failed; replays: ";
  assert.equal(line("so far"), `${first}0 delivered, 1 failed`);
  observe({ type: "delivery.deferred", ...about, reason, delayMs: 1, ...replay });
  replayed(false);
  assert.equal(line("so far"), `${first}0 delivered, 2 failed`);
  observe({
    type: "delivery.succeeded",
    ...about,
    ...{ attempts: 1, status: 200, durationMs: 1, lagMs: 1 },
    ...replay,
  });
  replayed(true);
  assert.equal(line("so far"), `${first}1 delivered, 2 failed`);
});

test("new settings that are not valid are told with why and since when, until some are taken", async () => {
  const { clock, observe, status, line } = start();
  assert.equal(line("settings"), undefined);
  const refused = (problem: string) => {
    const message =
      `the configuration is not valid:\n  - channel: ${problem}\n  - token: is required`;
    observe({ type: "config.reload_failed", message });
  };
  refused("one");
  await clock.advance(60_000);
  refused("two");
  const told = "the configuration is not valid: channel: two; token: is required";
  assert.equal(line("settings"), `not taken since 1970-01-01T00:00:00.000Z: ${told}`);
  assert.deepEqual(status()["config"], { problem: told, since: "1970-01-01T00:00:00.000Z" });
  observe({ type: "config.reloaded", changed: [], needsRestart: [] });
  assert.equal(line("settings"), undefined);
});
