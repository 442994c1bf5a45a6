/** Between connector and relay something else answers: a maintenance page, a captive portal. */
import assert from "node:assert/strict";
import http from "node:http";
import type { AddressInfo } from "node:net";
import { StreamFailure } from "../../src/flow.ts";
import { publish, settings, startConnector, startDevRelay, startTarget } from "../support/rig.ts";
import { test, type TestContext } from "../support/test.ts";

const page = "<!doctype html><title>We are back soon</title>";

/** Passes requests on, but for those of which `isForeign` says otherwise: they get the page, with this status. */
async function startFront(
  t: TestContext,
  relayUrl: string,
  isForeign: (path: string) => boolean,
  status = 200,
): Promise<string> {
  const { hostname, port } = new URL(relayUrl);
  const server = http.createServer((request, response) => {
    const { method, headers, url: path = "" } = request;
    if (isForeign(path)) {
      request.resume();
      return void response.writeHead(status, { "Content-Type": "text/html" }).end(page);
    }
    const inner = http.request({ hostname, port, method, headers, path }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      response.flushHeaders();
      answer.pipe(response);
    });
    inner.on("error", () => response.destroy());
    response.on("close", () => inner.destroy());
    request.pipe(inner);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.defer(() => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

test("[long_poll] a page in the relay's place is no connection", async (t) => {
  const relay = await startDevRelay(t);
  const url = await startFront(t, relay.url, () => true);
  const given = settings(url, new URL("http://127.0.0.1:1/"), "long_poll", {
    max_connect_attempts: 3,
  });
  const run = startConnector(t, given);
  await assert.rejects(run.ended, (error) => {
    assert.ok(error instanceof StreamFailure);
    assert.match(error.message, /cannot poll the relay at .*: .* is no answer of a relay/);
    assert.match(error.message, /<!doctype html><title>We are back soon/);
    return true;
  });
  assert.ok(!run.events.some(({ type }) => type === "stream.connected"));
});

test("[long_poll] a page that comes instead of the next answer ends the connection", async (t) => {
  const relay = await startDevRelay(t);
  const target = await startTarget(t);
  let isForeign = false;
  const url = await startFront(t, relay.url, () => isForeign);
  const run = startConnector(t, settings(url, target.url, "long_poll", { poll_timeout: 1 }));
  await run.happened("stream.connected");
  isForeign = true;
  await run.happened("stream.failed", 2);
  isForeign = false;
  await run.happened("stream.connected", 2);
  await publish(relay, "x");
  await run.happened("settlement.confirmed");
});

for (const status of [200, 404]) {
  test(`[sse] a page with ${status} confirms no settlement`, async (t) => {
    const relay = await startDevRelay(t);
    const target = await startTarget(t);
    let isForeign = true;
    const url = await startFront(
      t,
      relay.url,
      (path) => isForeign && path.startsWith("/connect/ack"),
      status,
    );
    const run = startConnector(t, settings(url, target.url, "sse"));
    await publish(relay, "x");
    await run.happened("settlement.failed");
    const { inFlight } = relay.registry.named("dev")?.channel.stats ?? {};
    assert.equal(inFlight, 1);
    isForeign = false;
    await run.happened("settlement.confirmed");
    assert.equal(relay.registry.named("dev")?.channel.stats.delivered, 1);
  });
}
