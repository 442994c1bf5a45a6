/** With everything at its defaults: who is gone is named by readiness within five seconds, and nobody need help. */
import assert from "node:assert/strict";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { loadSettings } from "../../src/config/load.ts";
import { foldStatus } from "../../src/observe/status.ts";
import { startHttpServer } from "../support/http_server.ts";
import { ManualClock } from "../support/manual_clock.ts";
import { quietNow } from "../support/quiet_now.ts";
import { publish, type Running, startConnector, startDevRelay } from "../support/rig.ts";
import { test, type TestContext } from "../support/test.ts";
import { turnsUntil } from "../support/turns_until.ts";

const limitMs = 5_000;

async function start(t: TestContext, protocol: string) {
  const clock = new ManualClock();
  const { server, url } = await startHttpServer(t, (request, response) => {
    request.resume().on("end", () => response.end());
  });
  const relay = await startDevRelay(t, {}, { clock });
  const source = { cloud_url: relay.url, channel: "dev", token: "s3cret", protocol };
  const content = { ...source, default_target: { url } };
  const given = loadSettings({ file: { path: "/test.json", content }, env: {}, flags: {} });
  // The longest that chance makes of each wait.
  const run = startConnector(t, given.settings, { clock, random: () => 1 });
  await publish(relay, "1");
  await run.happened("settlement.confirmed");
  assert.deepEqual(unready(run, clock), []);
  return { clock, server, relay, run };
}

/** The parts that are not ready, after all that has happened. */
function unready({ connector, events }: Running, clock: ManualClock): string[] {
  const { observe, readiness } = foldStatus({
    clock,
    targets: () => connector.targets,
    about: {},
    now: quietNow,
  });
  events.forEach(observe);
  const { ready, parts } = readiness();
  const names = parts.filter((part) => !part.ready).map(({ name }) => name);
  assert.equal(ready, names.length === 0);
  return names;
}

/** Lets time pass until it is ready, with turns of the event loop for what goes over sockets. */
async function comesBack(run: Running, clock: ManualClock): Promise<void> {
  while (unready(run, clock).length > 0) {
    await clock.advance(1_000);
    let turns = 0;
    await turnsUntil(() => turns++ >= 2);
  }
}

test("a target that stops is named within five seconds of the first webhook for it, and ready again when it is back", async (t) => {
  const { clock, server, relay, run } = await start(t, "websocket");
  const { port } = server.address() as AddressInfo;
  server.closeAllConnections();
  server.close();
  await once(server, "close");
  const from = clock.now();
  await publish(relay, "2");
  for (let failed = 1; unready(run, clock).length === 0; failed++) {
    await run.happened("delivery.retrying", failed);
    const wait = run.events.findLast((event) => event.type === "delivery.retrying");
    await clock.advance(wait?.delayMs ?? 0);
    await run.happened("delivery.attempted", 1 + failed + 1);
  }
  assert.deepEqual(unready(run, clock), ["target default"]);
  assert.ok(clock.now() - from <= limitMs, `after ${clock.now() - from} ms`);
  server.listen(port, "127.0.0.1");
  await comesBack(run, clock);
  assert.ok(run.events.filter(({ type }) => type === "delivery.succeeded").length >= 2);
});

for (const protocol of ["websocket", "sse", "long_poll"]) {
  test(`[${protocol}] a relay that stops is named within five seconds, and ready again when it is back`, async (t) => {
    const { clock, relay, run } = await start(t, protocol);
    const from = clock.now();
    const stopped = relay.stop(1_000);
    await run.happened("stream.disconnected");
    assert.deepEqual(unready(run, clock), ["connection"]);
    assert.ok(clock.now() - from <= limitMs, `after ${clock.now() - from} ms`);
    await stopped;
    await startDevRelay(t, {}, { clock, port: Number(new URL(relay.url).port) });
    await comesBack(run, clock);
  });
}
