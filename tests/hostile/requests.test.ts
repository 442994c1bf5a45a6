/** Requests that are not what HTTP says: the relay answers them, and tells of them as of everything. */
import assert from "node:assert/strict";
import { openRaw } from "../support/raw_client.ts";
import { startDevRelay } from "../support/rig.ts";
import { test } from "../support/test.ts";

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
