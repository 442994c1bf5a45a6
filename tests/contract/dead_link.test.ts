/** What a connection had brought, and nobody had taken yet, when it was found dead. */
import assert from "node:assert/strict";
import type { Settings } from "../../src/config/settings.ts";
import { greeting, sseHead, startHostileRelay, webhookText } from "../support/hostile_relay.ts";
import { ManualClock } from "../support/manual_clock.ts";
import { startRawServer } from "../support/raw_peer.ts";
import { settings, settingsFor, startConnector, startTarget } from "../support/rig.ts";
import { test, type TestContext } from "../support/test.ts";

const oneAtATime = { max_queue_messages: 1 };

/** How many webhooks a connection gave out that was found dead while the target was busy with the first. */
async function taken(t: TestContext, given: (target: URL) => Settings): Promise<number> {
  const clock = new ManualClock();
  const answer = Promise.withResolvers<number>();
  t.defer(() => answer.resolve(200));
  const target = await startTarget(t, () => answer.promise);
  const run = startConnector(t, given(target.url), { clock });
  await run.happened("delivery.received", 2); // the second waits for the first to be done
  clock.jump(3_600_000);
  await clock.advance(20_000);
  answer.resolve(200);
  await run.happened("stream.disconnected");
  run.abort.abort();
  await clock.advance(2_000); // the acknowledgements have nowhere to go
  const types = run.events.map(({ type }) => type);
  const before = types.slice(0, types.indexOf("stream.disconnected"));
  return before.filter((type) => type === "delivery.received").length;
}

for (const transport of ["websocket", "sse"] as const) {
  test(`[${transport}] what waits behind a busy target when the connection is found dead is left to the next one`, async (t) => {
    const webhooks = Array.from({ length: 10 }, (_, i) => webhookText(`m${i}`));
    const { url } = await startHostileRelay(t, transport, [greeting, ...webhooks]);
    assert.equal(await taken(t, (target) => settings(url, target, transport, oneAtATime)), 2);
  });
}

test("[smee] what waits then is delivered all the same: nobody else has it", async (t) => {
  const event = 'data: {"body":{"a":"webhook"}}\n\n';
  const chunk = `${event.length.toString(16)}\r\n${event}\r\n`;
  const head = sseHead.replace("\r\n\r\n", "\r\nTransfer-Encoding: chunked\r\n\r\n");
  const { url } = await startRawServer(t, (request) => request.write(head + chunk.repeat(10)));
  const source = { source: "smee", cloud_url: `${url}/aBcDeF0123456789` };
  assert.equal(await taken(t, (target) => settingsFor(source, target, oneAtATime)), 10);
});
