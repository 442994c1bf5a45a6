import assert from "node:assert/strict";
import { StreamFailure } from "../../src/flow.ts";
import { maxFrameBytes } from "../../src/protocol/limits.ts";
import { HttpBody } from "../../src/runtime/http_body.ts";
import { readEvents } from "../../src/transport/event_stream.ts";
import { test } from "../support/test.ts";

test("an event that came with one too large to read is given before the stream is given up", async () => {
  const body = new HttpBody({ pause() {}, resume() {}, destroy() {} });
  body.push(Uint8Array.from(Buffer.from("data: good\n\ndata: ")));
  const part = new Uint8Array(1024 * 1024).fill(0x61);
  for (let bytes = 0; bytes <= maxFrameBytes; bytes += part.length) body.push(part);
  const response = { status: 200, headers: new Headers(), body };
  const link = { abort: new AbortController().signal, heard() {}, pause() {} };
  const doing = { what: "open the SSE stream", url: new URL("http://relay.test/sse") };
  const given: string[] = [];
  const read = async () => {
    for await (const events of readEvents(response, link, doing)) {
      given.push(...events.map(({ bytes }) => Buffer.from(bytes).toString()));
    }
  };
  await assert.rejects(read(), (error: Error) => {
    return error instanceof StreamFailure && error.message.includes(String(maxFrameBytes));
  });
  assert.deepEqual(given, ["good"]);
});
