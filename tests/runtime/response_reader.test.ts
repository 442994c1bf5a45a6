import assert from "node:assert/strict";
import { seededRandom } from "../../src/async/seeded_random.ts";
import { InvalidResponse } from "../../src/runtime/response_head.ts";
import { ResponseReader } from "../../src/runtime/response_reader.ts";
import { test } from "../support/test.ts";

interface Read {
  status?: number;
  headers?: unknown;
  body: string;
  isOver: boolean;
  keepsAlive: boolean;
  idleMs: number | undefined;
}

/** What is read of pieces; `close`: the connection ends behind them. */
function read(pieces: readonly Buffer[], { method = "POST", close = false } = {}): Read {
  const read: Read = { body: "", isOver: false, keepsAlive: false, idleMs: undefined };
  const reader = new ResponseReader(method, {
    onHead: (head) => Object.assign(read, { status: head.status, headers: { ...head.headers } }),
    onData: (chunk) => read.body += Buffer.from(chunk).toString("latin1"),
    onEnd: () => read.isOver = true,
  });
  for (const piece of pieces) if (!reader.isOver) reader.push(piece);
  if (close) assert.equal(reader.close(), read.isOver);
  return Object.assign(read, { keepsAlive: reader.keepsAlive, idleMs: reader.idleMs });
}

const bytes = (text: string) => Buffer.from(text, "latin1");
const whole = (text: string, options?: Parameters<typeof read>[1]) => read([bytes(text)], options);

/** Responses, each with what it comes to. */
const responses: Record<string, [text: string, expected: Partial<Read>, options?: object]> = {
  "a length": [
    "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-A: 1\r\nx-a:  2 \r\n\r\nhello",
    { status: 200, body: "hello", isOver: true, keepsAlive: true },
  ],
  "a header on two lines": [
    "HTTP/1.1 200 OK\r\nX-A: 1,\r\n \t2\r\ncontent-length: 2\r\n\r\nok",
    { headers: { "x-a": "1, 2", "content-length": "2" }, body: "ok", isOver: true },
  ],
  "lines that end without CR, as somebody types them": [
    "HTTP/1.1 200 OK\ncontent-length: 2\n\nok",
    { status: 200, headers: { "content-length": "2" }, body: "ok", isOver: true },
  ],
  "some lines without CR": [
    "HTTP/1.1 200 OK\nx: a\r\ncontent-length: 2\n\r\nok",
    { headers: { x: "a", "content-length": "2" }, body: "ok", isOver: true },
  ],
  "a length of nothing": [
    "HTTP/1.1 200\r\ncontent-length: 0\r\n\r\n",
    { status: 200, body: "", isOver: true, keepsAlive: true },
  ],
  "the same length twice": [
    "HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 2\r\n\r\nok",
    { body: "ok", isOver: true, keepsAlive: true },
  ],
  "chunks with extensions and trailers": [
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" +
    "5;a=b\r\nhello\r\n00A\r\n0123456789\r\n0\r\nx-sum: 1\r\n\r\n",
    { body: "hello0123456789", isOver: true, keepsAlive: true },
  ],
  "chunks and a length: the connection is not used again": [
    "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n",
    { body: "x", isOver: true, keepsAlive: false },
  ],
  "until the end of the connection": [
    "HTTP/1.1 200 OK\r\n\r\nall there is",
    { body: "all there is", isOver: true, keepsAlive: false },
    { close: true },
  ],
  "a coding that is not chunked": [
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nxyz",
    { body: "xyz", isOver: true, keepsAlive: false },
    { close: true },
  ],
  "none to HEAD": [
    "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n",
    { body: "", isOver: true, keepsAlive: true },
    { method: "HEAD" },
  ],
  "none with 204": [
    "HTTP/1.1 204 No Content\r\n\r\n",
    { status: 204, isOver: true, keepsAlive: true },
  ],
  "100 and 103 before it": [
    "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n" +
    "HTTP/1.1 201 Created\r\ncontent-length: 1\r\n\r\n!",
    { status: 201, headers: { "content-length": "1" }, body: "!", isOver: true },
  ],
  "connection: close": [
    "HTTP/1.1 200 OK\r\nConnection: Close\r\ncontent-length: 0\r\n\r\n",
    { isOver: true, keepsAlive: false },
  ],
  "HTTP/1.0": [
    "HTTP/1.0 200 OK\r\ncontent-length: 0\r\n\r\n",
    { isOver: true, keepsAlive: false },
  ],
  "HTTP/1.0 that stays": [
    "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\ncontent-length: 0\r\n\r\n",
    { isOver: true, keepsAlive: true },
  ],
  "a time after which it closes": [
    "HTTP/1.1 200 OK\r\nKeep-Alive: timeout=5, max=100\r\ncontent-length: 0\r\n\r\n",
    { isOver: true, idleMs: 5_000 },
  ],
  "more than it has": [
    "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nokHTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nforged",
    { body: "ok", isOver: true, keepsAlive: false },
  ],
  "not all of it": [
    "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nnot all",
    { status: 200, body: "not all", isOver: false },
    { close: true },
  ],
};

for (const [name, [text, expected, options]] of Object.entries(responses)) {
  test(`a response is read: ${name}; whole, byte by byte, and cut anywhere`, () => {
    const given = whole(text, options);
    for (const [key, value] of Object.entries(expected)) {
      assert.deepEqual(given[key as keyof Read], value, key);
    }
    const single = Array.from(bytes(text), (byte) => Buffer.of(byte));
    // What is behind the end is seen only when it comes together with it.
    const { keepsAlive: _, ...same } = given;
    const { keepsAlive: __, ...one } = read(single, options);
    assert.deepEqual(one, same);
    const random = seededRandom(3);
    for (let n = 0; n < 50; n++) {
      const at = Math.floor(random() * text.length);
      const { keepsAlive: _, ...two } = read(
        [bytes(text.slice(0, at)), bytes(text.slice(at))],
        options,
      );
      assert.deepEqual(two, same, `cut at ${at}`);
    }
  });
}

test("headers that come more than once are all there, in order; Latin-1 stays as it is", () => {
  const { headers } = whole("HTTP/1.1 200 OK\r\nSet-Cookie: a\r\nset-cookie: b\r\nx: \xe9\r\n\r\n");
  assert.deepEqual(headers, { "set-cookie": ["a", "b"], x: "\xe9" });
});

test("a head that comes again says the same, and its body is that of its own request", () => {
  const head = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\nx: 1\r\n\r\n";
  const got = ["POST", "HEAD", "POST"].map((method) =>
    whole(method === "HEAD" ? head : `${head}ok`, { method })
  );
  assert.deepEqual(got.map(({ body, isOver }) => [body, isOver]), [
    ["ok", true],
    ["", true],
    ["ok", true],
  ]);
  assert.deepEqual(got.map(({ headers }) => headers), [1, 2, 3].map(() => got[0]?.headers));
  assert.deepEqual(whole(head.replace("x: 1", "x: 2")).headers, { "content-length": "2", x: "2" });
});

test("what of a response without a body, or before the response, is wrong is not looked at", () => {
  const odd = "content-length: 1, 2\r\n";
  for (const status of ["204 No Content", "304 Not Modified"]) {
    assert.ok(whole(`HTTP/1.1 ${status}\r\n${odd}\r\n`).isOver, status);
  }
  assert.ok(whole(`HTTP/1.1 200 OK\r\n${odd}\r\n`, { method: "HEAD" }).isOver);
  const early = "HTTP/1.1 103 Early Hints\r\nno colon\r\n\r\n";
  assert.equal(whole(`${early}HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok`).body, "ok");
});

test("what is no response is refused", () => {
  const head = "HTTP/1.1 200 OK\r\n";
  const chunked = `${head}transfer-encoding: chunked\r\n\r\n`;
  const refused = [
    "SSH-2.0-OpenSSH_9.2\r\n\r\n",
    "HTTP/2 200 OK\r\n\r\n",
    "HTTP/1.1 20 OK\r\n\r\n",
    "HTTP/1.1 101 Switching Protocols\r\n\r\n",
    `${head}no colon\r\n\r\n`,
    `${head}sp ace: 1\r\n\r\n`,
    `${head}x: a\0b\r\n\r\n`,
    `${head}x: a\rb: c\r\n\r\n`,
    `${head}content-length: 1, 2\r\n\r\n`,
    `${head}content-length: -1\r\n\r\n`,
    `${head}content-length: 0x5\r\n\r\n`,
    `${head}content-length: 99999999999999999999\r\n\r\n`,
    `${chunked}xyz\r\n`,
    `${chunked}-1\r\n`,
    `${chunked}5\nhello`,
    `${chunked}2\r\nabc\r\n`,
    `${chunked}ffffffffffffffff\r\n`,
    `${head}x: ${"a".repeat(70_000)}`,
    `${chunked}1;${"a".repeat(5_000)}`,
  ];
  for (const text of refused) {
    assert.throws(() => whole(text), InvalidResponse, JSON.stringify(text.slice(0, 60)));
  }
});
