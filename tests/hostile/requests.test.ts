/** Requests that are not what HTTP says: the relay answers them, and tells of them as of everything. */
import assert from "node:assert/strict";
import type { RelayEvent } from "../../src/relay/relay_events.ts";
import { startProgram } from "../support/program.ts";
import { openRaw, postHead } from "../support/raw_client.ts";
import { settings, startDevRelay, startTarget } from "../support/rig.ts";
import { test } from "../support/test.ts";
import { turnsUntil } from "../support/turns_until.ts";
import { startWatchedConnector } from "../support/watched_connector.ts";

const chunkedHead = "POST /webhook/hook HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";

for (const connection of ["", "Connection: close\r\n", "Connection: not-upgrade\r\n"]) {
  const named = connection.trim() || "no Connection";
  test(`an upgrade to WebSocket with ${named} is answered 426, so that SSE is tried`, async (t) => {
    const relay = await startDevRelay(t);
    const client = await openRaw(
      t,
      relay.url,
      "GET /connect/stream/dev HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer s3cret\r\n" +
        `Upgrade: websocket\r\n${connection}Sec-WebSocket-Version: 13\r\n` +
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
    );
    assert.match(await client.answered(/\r\n\r\n/), /^HTTP\/1.1 426 /);
  });
}

for (const host of ["[", "a b", "%zz", "a:99999999"]) {
  test(`Host: ${host} is answered 400, by relay and status server`, async (t) => {
    const target = await startTarget(t);
    const relay = await startDevRelay(t);
    const { url } = await startWatchedConnector(t, settings(relay.url, target.url, "sse"));
    for (const at of [`${relay.url}/webhook/hook`, `${url}/healthz`]) {
      const { origin, pathname } = new URL(at);
      const client = await openRaw(
        t,
        origin,
        `POST ${pathname} HTTP/1.1\r\nHost: ${host}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`,
      );
      assert.match(await client.answered(), /^HTTP\/1.1 400 /);
    }
  });
}

/** The half of a body, and what comes instead of the rest; undefined = the sender goes away. */
const unfinished: Record<string, readonly [half: string, then?: string]> = {
  "a length that is not reached": [`${postHead(1_000)}half`],
  "chunks without an end": [`${chunkedHead}4\r\nhalf\r\n`],
  "a chunk that is none": [`${chunkedHead}4\r\nhalf\r\n`, "zz\r\n"],
};

for (const [name, [half, then]] of Object.entries(unfinished)) {
  test(`a body that ends early (${name}) is refused and counted`, async (t) => {
    const events: RelayEvent[] = [];
    const relay = await startDevRelay(t, {}, { observe: (event) => events.push(event) });
    const client = await openRaw(t, relay.url, half);
    await turnsUntil(() => relay.incomingBytes === 4);
    if (then === undefined) client.destroy();
    else client.write(then);
    const reasons = () => events.flatMap((one) => one.type === "relay.refused" ? [one.reason] : []);
    await turnsUntil(() => reasons().length > 0);
    assert.deepEqual(reasons(), ["aborted"]);
    assert.equal(relay.incomingBytes, 0);
  });
}

test("whatever is asked, and however it ends, standard error is one JSON object a line", async (t) => {
  const relay = startProgram(t, [
    ...["relay", "--listen", "127.0.0.1:0"],
    ...["--log-format", "json", "--log-level", "debug"],
  ]);
  const url = (await relay.line(/^listening/)).split(/\s+/)[1] ?? "";
  const badHost = postHead(0).replace("127.0.0.1", "[");
  await (await openRaw(t, url, badHost)).answered(/\r\n\r\n/);
  let count = 0;
  for (const [half, then] of Object.values(unfinished)) {
    const client = await openRaw(t, url, half.replace("/webhook/hook", "/webhook/default"));
    while (!/incoming_bytes 4$/m.test(await (await fetch(`${url}/metrics`)).text()));
    if (then === undefined) client.destroy();
    else client.write(then);
    await relay.line(/relay\.refused.*"aborted"/, ++count);
  }
  relay.terminate();
  assert.equal(await relay.ended, 0);
  for (const line of relay.stderr) assert.doesNotThrow(() => JSON.parse(line), line);
});

const brokenForms = {
  "a form that is none":
    "Content-Type: multipart/form-data; boundary=x\r\nContent-Length: 4\r\n\r\njunk",
  "a form without a boundary": "Content-Type: multipart/form-data\r\nContent-Length: 4\r\n\r\njunk",
  "a chunk that is none": "Transfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n",
};

for (const path of ["/-/session", "/admin/webhook-connect/channels"]) {
  for (const [name, rest] of Object.entries(brokenForms)) {
    test(`${name} for ${path} is no fault of the relay`, async (t) => {
      const events: RelayEvent[] = [];
      const relay = await startDevRelay(t, {}, {
        adminToken: "adm1n",
        observe: (event) => events.push(event),
      });
      const { host, origin } = new URL(relay.url);
      const client = await openRaw(
        t,
        relay.url,
        `POST ${path} HTTP/1.1\r\nHost: ${host}\r\nOrigin: ${origin}\r\nConnection: close\r\n` +
          `Authorization: Bearer adm1n\r\n${rest}`,
      );
      const health = await fetch(`${relay.url}/healthz`); // by then the half is being read
      await health.body?.cancel();
      client.write("zz\r\n");
      assert.match(await client.answered(), /^(HTTP\/1.1 4\d\d |$)/);
      assert.deepEqual(events.filter(({ type }) => type === "relay.request_failed"), []);
    });
  }
}

test("a fault of the relay is a plain 500, an event with where it happened, and counted", async (t) => {
  const events: RelayEvent[] = [];
  const relay = await startDevRelay(t, {}, {
    observe: (event) => events.push(event),
    sample: () => {
      throw new Error("the fault");
    },
  });
  const response = await fetch(`${relay.url}/webhook/hook?a=s3cret`, { method: "POST" });
  assert.equal(response.status, 500);
  assert.deepEqual(await response.json(), { detail: "Internal error" });
  const failed = events.filter((event) => event.type === "relay.request_failed");
  assert.deepEqual(failed.map(({ route, message }) => [route, message]), [
    ["/webhook/:id", "Error: the fault"],
  ]);
  assert.match(failed[0]?.stack ?? "", /requests\.test\.ts/);
  const metrics = await (await fetch(`${relay.url}/metrics`)).text();
  assert.match(metrics, /hookferry_relay_request_failures_total 1/);
});
