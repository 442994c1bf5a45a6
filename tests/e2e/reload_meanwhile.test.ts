/** What happens to the real program while it goes over to other settings. */
import assert from "node:assert/strict";
import { startConfigured } from "../support/configured_program.ts";
import { startHeldDrain } from "../support/held_drain.ts";
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

test("a stop while a reload waits for what is in hand is seen by everybody at once", async (t) => {
  const { relay, target, settings, drained, release } = await startHeldDrain(t);
  const { url, configure, reload, metric, program } = await startConfigured(t, {
    ...settings,
    token: "s3cret",
  });
  await publish(relay, "in hand");
  await target.arrived(1);
  configure({ ordering: "channel" });
  const answer = reload();
  await drained;
  assert.equal(await metric("hookferry_draining"), 0, "the process goes on");
  program.terminate();
  await program.line(/"connector\.draining"/);
  const ready = await fetch(`${url}/readyz`);
  assert.equal(ready.status, 503);
  assert.match(await ready.text(), /it is stopping/);
  assert.equal(await metric("hookferry_draining"), 1);
  release();
  assert.match(await (await answer).text(), /the connector is stopping/);
  assert.equal(await program.ended, 0);
});

test("a pause goes on in the connector that takes over, until somebody says so", async (t) => {
  const relay = await startDevRelay(t);
  const target = await startTarget(t);
  const { url, configure, reload, control, program } = await startConfigured(t, {
    cloud_url: relay.url,
    token: "s3cret",
    default_target: { url: target.url.href },
  });
  const done = async (answer: Promise<Response>) => {
    const { status, body } = await answer;
    await body?.cancel();
    assert.equal(status, 200);
  };
  await done(control("pause"));
  await program.line(/"stream\.disconnected"/);
  configure({ ordering: "channel" });
  await done(reload());
  await publish(relay, "meanwhile");
  assert.equal((await (await fetch(`${url}/status`)).json()).paused, true);
  await done(control("resume"));
  await program.line(/"settlement\.confirmed"/);
  await done(fetch(`${url}/readyz`));
  const told = program.stderr.map((line) => /"event":"([^"]*)"/.exec(line)?.[1]);
  const order = ["connector.paused", "config.reloaded", "connector.resumed", "delivery.received"];
  assert.deepEqual(told.filter((event) => order.includes(event ?? "")), order);
  assert.equal(target.got.length, 1);
});

for (const isOn of [false, true]) {
  test(`a reload that turns log_payload and inspect ${isOn ? "off" : "on"} changes nothing before the next start, and says so`, async (t) => {
    const relay = await startDevRelay(t);
    const target = await startTarget(t);
    const looks = (inspect: boolean) => ({ log_payload: inspect, inspect });
    const { configure, reload, control, program } = await startConfigured(t, {
      cloud_url: relay.url,
      token: "s3cret",
      default_target: { url: target.url.href },
      ...looks(isOn),
    });
    const count = (event: string) =>
      program.stderr.filter((line) => line.includes(`"event":"${event}"`)).length;
    let settled = 0;
    const deliver = async () => {
      const id = await publish(relay, "{}");
      await program.line(/"settlement\.confirmed"/, ++settled);
      assert.equal(count("delivery.payload"), isOn ? settled : 0);
      const { status, body } = await control(`messages/${id}/replay`);
      await body?.cancel();
      assert.equal(status, isOn ? 200 : 404);
    };
    const reloaded = async (more: Record<string, unknown>) => {
      configure({ ...looks(!isOn), inspect_redact: "X-Other", ...more });
      const answer = await (await reload()).json();
      assert.deepEqual(answer.needs_restart, ["inspect", "inspect_redact", "log_payload"]);
    };
    await reloaded({});
    assert.equal(count("connector.started"), 1);
    await deliver();
    await reloaded({ ordering: "channel" });
    await deliver();
    assert.equal(count("connector.started"), 2);
  });
}
