/** The headers that the settings of a target say. */
import assert from "node:assert/strict";
import { publish, settings, startConnector, startDevRelay, startTarget } from "../support/rig.ts";
import { test } from "../support/test.ts";

for (const batch of [undefined, { format: "json", max_messages: 1 }]) {
  const kind = batch ? "a batch" : "a webhook";
  test(`a target's own headers arrive with ${kind} as the file has them, Host among them`, async (t) => {
    const target = await startTarget(t);
    const relay = await startDevRelay(t);
    const headers = { Host: "internal.example", "X-Name": "Müller", Authorization: "Bearer s" };
    const given = settings(relay.url, target.url, "websocket", {
      default_target: { headers, ...(batch && { batch }) },
    });
    const run = startConnector(t, given);
    await run.happened("stream.connected");
    await publish(relay, "{}");
    await target.arrived(1);
    const { host, authorization, "x-name": name } = target.got[0]?.headers ?? {};
    assert.deepEqual([host, name, authorization], ["internal.example", "Müller", "Bearer s"]);
  });
}
