/** What a target or a relay may answer, as bytes. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { InvalidResponse } from "../../src/runtime/response_head.ts";
import { ResponseReader } from "../../src/runtime/response_reader.ts";
import { byteArray, fuzzTarget, near } from "./target.ts";

const text = near([
  ..."HTTP/1.1 200 OK\r\n|HTTP/1.0 204\r\n|HTTP/1.1 100 C\r\n|\r\n|\r|\n|0\r\n\r\n|5\r\nhello\r\n|x"
    .split("|"),
  ..."Content-Length: 5\r\n|Transfer-Encoding: chunked\r\n|Connection: close\r\n|: |;|hello".split(
    "|",
  ),
]);

function read(pieces: Iterable<Uint8Array>, method: string) {
  let body = "";
  let heads = 0;
  let ends = 0;
  const reader = new ResponseReader(method, {
    onHead: () => heads++,
    onData: (chunk) => body += Buffer.from(chunk).toString("latin1"),
    onEnd: () => ends++,
  });
  let isRefused = false;
  try {
    for (const piece of pieces) if (!reader.isOver) reader.push(Buffer.from(piece));
    reader.close();
  } catch (error) {
    assert.ok(error instanceof InvalidResponse);
    isRefused = true;
  }
  assert.ok(heads <= 1 && ends <= heads);
  return { body, ends, isRefused };
}

const response = fuzzTarget(
  "response",
  fc.record({
    bytes: fc.oneof(byteArray(120), text.map((text) => [...Buffer.from(text, "latin1")])),
    method: fc.constantFrom("POST", "HEAD"),
  }),
  ({ bytes, method }) => {
    const whole = read([Uint8Array.from(bytes)], method);
    assert.deepEqual(read(bytes.map((byte) => Uint8Array.of(byte)), method), whole);
  },
);

export const responseTargets = [response];
