/** Capability `binary-body` (docs/PROTOCOL.md, 9.2): a webhook as a line of JSON and its bytes. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { WebSocket } from "../../node_modules/ws/wrapper.mjs";
import { startDevRelay } from "../support/rig.ts";
import { test, type TestContext } from "../support/test.ts";

const bearer = { Authorization: "Bearer s3cret" };

const wants = { ...bearer, "X-Connector-Capabilities": "exact-body, binary-body" };

async function open(t: TestContext, url: string, headers: Record<string, string>) {
  const socket = new WebSocket(`${url.replace("http", "ws")}/connect/stream/dev`, { headers });
  t.defer(async () => {
    const closed = once(socket, "close");
    socket.terminate();
    await closed;
  });
  const next = async () => {
    const [data, isBinary] = await once(socket, "message") as [Uint8Array, boolean];
    return { data: Buffer.from(data), isBinary };
  };
  return { next, connected: JSON.parse((await next()).data.toString()) };
}

for (
  const [what, body] of [
    ["a text", new TextEncoder().encode('{"a":\n"\\n"}\n')],
    ["no text", Uint8Array.of(0xff, 0x0a, 0x00, 0xc3)],
    ["nothing", new Uint8Array()],
  ] as const
) {
  test(`who can read it gets a line of JSON and the bytes of the body: ${what}`, async (t) => {
    const relay = await startDevRelay(t);
    const { next, connected } = await open(t, relay.url, wants);
    assert.deepEqual(connected.capabilities, ["exact-body", "binary-body"]);
    const came = next();
    const answer = await fetch(`${relay.url}/webhook/hook/a?b`, {
      method: "PUT",
      headers: { "x-a": "1" },
      body,
    });
    const { message_id } = await answer.json();
    const { data, isBinary } = await came;
    assert.ok(isBinary);
    const end = data.indexOf("\n");
    const line = JSON.parse(data.toString("utf8", 0, end));
    assert.deepEqual(
      [line.type, line.message_id, line.method, line.path, line.delivery_count],
      ["webhook", message_id, "PUT", "/a?b", 1],
    );
    assert.ok(line.raw_headers.some(([name, value]: string[]) => name === "x-a" && value === "1"));
    assert.ok(!("body" in line || "body_encoding" in line || "payload" in line));
    assert.deepEqual([...data.subarray(end + 1)], [...body]);
  });
}

test("who did not say so gets text, and streams of text are not told of it", async (t) => {
  const relay = await startDevRelay(t);
  const exact = { ...bearer, "X-Connector-Capabilities": "exact-body" };
  const { next, connected } = await open(t, relay.url, exact);
  assert.deepEqual(connected.capabilities, ["exact-body"]);
  const came = next();
  const answer = await fetch(`${relay.url}/webhook/hook`, { method: "POST", body: "x" });
  await answer.body?.cancel();
  const { data, isBinary } = await came;
  assert.deepEqual([isBinary, JSON.parse(data.toString()).body], [false, "x"]);
  for (const stream of ["sse", "poll?timeout=1"]) {
    const abort = new AbortController();
    const url = `${relay.url}/connect/stream/dev/${stream}`;
    const { headers, body } = await fetch(url, { headers: wants, signal: abort.signal });
    assert.equal(headers.get("x-relay-capabilities"), "exact-body", stream);
    await body?.cancel();
    abort.abort();
  }
});
