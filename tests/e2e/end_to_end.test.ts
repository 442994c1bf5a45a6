import assert from "node:assert/strict";
import { settings, startConnector, startDevRelay, startTarget } from "../support/rig.ts";
import { test } from "../support/test.ts";

for (const protocol of ["websocket", "sse", "long_poll"] as const) {
  test(`[${protocol}] a posted webhook reaches the target byte for byte and is acknowledged`, async (t) => {
    const target = await startTarget(t);
    const relay = await startDevRelay(t);
    const run = startConnector(t, settings(relay.url, target.url, protocol));
    const bodies = ['{"n": 1.10, "é": "\\u00e9"}', "", "\u0000\u0001 plain"];
    for (const body of bodies) {
      const response = await fetch(`${relay.url}/webhook/hook/a/b?x=%2F&y`, {
        method: "PUT",
        body,
      });
      assert.equal(response.status, 202);
      await response.body?.cancel();
    }
    await run.happened("settlement.confirmed", 3);
    run.drain.abort();
    assert.deepEqual(await run.ended, { abandoned: 0 });

    assert.deepEqual(
      target.got.map(({ body }) => new TextDecoder().decode(body)).sort(),
      [...bodies].sort(),
    );
    for (const { method, url, headers } of target.got) {
      assert.equal(`${method} ${url}`, "PUT /hooks/a/b?x=%2F&y");
      assert.match(String(headers["x-webhook-message-id"]), /^msg_[0-9a-f]{16}$/);
    }
    const stats = relay.registry.named("dev")?.channel.stats;
    assert.equal(stats?.delivered, 3);
    assert.equal(stats?.inFlight, 0);
    const types = run.events.map(({ type }) => type);
    assert.equal(types.filter((type) => type === "stream.connected").length, 1);
    assert.ok(!types.includes("stream.failed"));
  });
}
