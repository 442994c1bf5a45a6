/** What happens to the real program while it goes over to other settings. */
import assert from "node:assert/strict";
import { startConfigured } from "../support/configured_program.ts";
import { publish, startDevRelay, startTarget } from "../support/rig.ts";
import { test } from "../support/test.ts";

test("a token refused while a reload waits for what is in hand: the reload goes on", async (t) => {
  const relay = await startDevRelay(t);
  const held = Promise.withResolvers<void>();
  t.defer(() => held.resolve());
  const target = await startTarget(t, (n) => n === 1 ? held.promise.then(() => 200) : 200);
  const { configure, reload, program } = await startConfigured(t, {
    cloud_url: relay.url,
    token: "s3cret",
    default_target: { url: target.url.href },
  });
  await publish(relay, "in hand");
  await target.arrived(1);
  const channel = relay.registry.named("dev");
  assert.ok(channel);
  const { token } = await relay.registry.rotate(channel, 1_000);
  configure({ token, ordering: "channel" });
  const answer = reload();
  await program.line(/"stream\.disconnected"/);
  held.resolve();
  const { status, body } = await answer;
  await body?.cancel();
  assert.equal(status, 200);
  assert.equal(channel.channel.stats.delivered, 1);
  assert.equal(target.got.length, 1);
});
