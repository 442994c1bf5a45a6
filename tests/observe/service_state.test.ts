/** What `systemctl status` shows of the connections: what each is connected to, and whether it takes anything. */
import assert from "node:assert/strict";
import type { ConnectorEvent } from "../../src/observe/events.ts";
import { foldServiceState } from "../../src/observe/service_state.ts";
import { ManualClock } from "../support/manual_clock.ts";
import { startOldRelay } from "../support/old_relay.ts";
import { settings, startConnector, startTarget } from "../support/rig.ts";
import { test } from "../support/test.ts";

type Event = ConnectorEvent & { readonly connection?: string };

/** Gives what systemd was told last, after an event. */
function startFold() {
  let shown = "";
  const manager = {
    watchdogMs: undefined,
    tell: (line: string) => void (shown = line.replace(/^STATUS=/, "")),
    close: () => Promise.resolve(),
  };
  const fold = foldServiceState(manager, new ManualClock());
  return (event: Event) => {
    fold.observe(event);
    return shown;
  };
}

const started: ConnectorEvent = { type: "connector.started", source: "r", channel: "c" };
const paused: ConnectorEvent = { type: "connector.paused" };
const resumed: ConnectorEvent = { type: "connector.resumed" };
const stopped: ConnectorEvent = { type: "connector.stopped", unsettled: 0 };
const draining: ConnectorEvent = { type: "connector.draining", inHand: 2, graceMs: 1 };
const connected: ConnectorEvent = {
  ...{ type: "stream.connected", transport: "sse", connectionId: "c", capabilities: [] },
  downMs: 0,
};
const ended = (by: "connector" | "relay_or_network", reason: string): ConnectorEvent => ({
  ...{ type: "stream.disconnected", transport: "sse", reason, by, upMs: 1 },
});

const story: readonly (readonly [ConnectorEvent, one: string, ofTwo: string])[] = [
  [started, "connecting to r", "1 of 2 connected; east: connecting to r"],
  [connected, "connected over sse", "2 of 2 connected"],
  [paused, "connected over sse, paused", "2 of 2 connected; east: paused"],
  [resumed, "connected over sse", "2 of 2 connected"],
  [paused, "connected over sse, paused", "2 of 2 connected; east: paused"],
  [
    ended("connector", "paused"),
    "not connected, paused",
    "1 of 2 connected; east: not connected, paused",
  ],
  [connected, "connected over sse, paused", "2 of 2 connected; east: paused"],
  [
    ended("relay_or_network", "closed by the relay"),
    "not connected: closed by the relay, paused",
    "1 of 2 connected; east: not connected: closed by the relay, paused",
  ],
  // Another connector takes over, and the pause goes on.
  [stopped, "not connected, paused", "1 of 2 connected; east: not connected, paused"],
  [started, "connecting to r, paused", "1 of 2 connected; east: connecting to r, paused"],
  [connected, "connected over sse, paused", "2 of 2 connected; east: paused"],
  [resumed, "connected over sse", "2 of 2 connected"],
  [
    draining,
    "stopping, 2 messages in hand",
    "1 of 2 connected; east: stopping, 2 messages in hand",
  ],
  [
    ended("connector", "stopped"),
    "stopping, 2 messages in hand",
    "1 of 2 connected; east: stopping, 2 messages in hand",
  ],
  [stopped, "stopping, 2 messages in hand", "1 of 1 connected"],
  [started, "connecting to r", "1 of 2 connected; east: connecting to r"],
];

test("systemd is shown the connection and the pause, whichever of them changes", () => {
  const one = startFold();
  const two = startFold();
  for (const event of [started, connected]) two({ ...event, connection: "west" });
  for (const [step, [event, alone, ofTwo]] of story.entries()) {
    assert.equal(one(event), alone, `step ${step}: ${event.type}`);
    assert.equal(two({ ...event, connection: "east" }), ofTwo, `step ${step}: ${event.type}`);
  }
});

test("with an old relay, whose stream a pause leaves open, systemd is shown that it is connected after it", async (t) => {
  const relay = await startOldRelay(t);
  const target = await startTarget(t);
  relay.publish("the channel is there from now on");
  const run = startConnector(t, settings(relay.url, target.url, "sse"));
  await run.happened("settlement.confirmed");
  run.connector.pause.pause();
  run.connector.pause.resume();
  const show = startFold();
  const shown = run.events.map(show).filter((line, i, all) => line !== all[i - 1]);
  assert.deepEqual(shown.slice(-3), [
    "connected over sse",
    "connected over sse, paused",
    "connected over sse",
  ]);
});
