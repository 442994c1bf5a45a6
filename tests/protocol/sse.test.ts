import assert from "node:assert/strict";
import { maxFrameBytes } from "../../src/protocol/limits.ts";
import { createParser } from "eventsource-parser";
import { type ServerSentEvent, SseDecoder, SseEventTooLargeError } from "../../src/protocol/sse.ts";
import { readText, type TextEvent } from "../support/sse_text.ts";
import { encodeSseEvent } from "../../src/protocol/sse_encoder.ts";
import { seededRandom } from "../../src/async/seeded_random.ts";
import { test } from "../support/test.ts";

const encoder = new TextEncoder();
const bytesOf = (text: string) => encoder.encode(text);
const plain = (data: string): TextEvent => ({ event: "message", data, lastEventId: "" });

interface Vector {
  readonly name: string;
  readonly stream: string | Uint8Array;
  readonly events: readonly TextEvent[];
  readonly retryMs?: number;
}

const vectors: readonly Vector[] = [
  { name: "data lines join with LF", stream: "data: a\ndata: b\n\n", events: [plain("a\nb")] },
  { name: "one leading space goes", stream: "data:  a \n\n", events: [plain(" a ")] },
  { name: "no space is needed", stream: "data:a\n\n", events: [plain("a")] },
  { name: "a field without a colon is empty", stream: "data\n\n", events: [plain("")] },
  { name: "two empty data lines", stream: "data\ndata\n\n", events: [plain("\n")] },
  { name: "CRLF", stream: "data: a\r\ndata: b\r\n\r\n", events: [plain("a\nb")] },
  { name: "CR", stream: "data: a\rdata: b\r\r", events: [plain("a\nb")] },
  {
    name: "mixed line ends",
    stream: "data: a\r\ndata: b\rdata: c\n\r\ndata: d\r\r",
    events: [plain("a\nb\nc"), plain("d")],
  },
  { name: "comments are nothing", stream: ": hi\ndata: a\n:\n\n", events: [plain("a")] },
  { name: "a BOM at the start is cut off", stream: "\ufeffdata: a\n\n", events: [plain("a")] },
  {
    name: "a second BOM is text",
    stream: "\ufeff\ufeffdata: a\n\ndata: \ufeffb\n\n",
    events: [plain("\ufeffb")],
  },
  {
    name: "the event name holds for one event",
    stream: "event: x\ndata: a\n\ndata: b\n\n",
    events: [{ event: "x", data: "a", lastEventId: "" }, plain("b")],
  },
  {
    name: "an event without data resets the name and is not given out",
    stream: "event: x\n\ndata: b\n\n",
    events: [plain("b")],
  },
  {
    name: "an id stays until another comes",
    stream: "id: 1\ndata: a\n\ndata: b\n\nid\ndata: c\n\n",
    events: [
      { event: "message", data: "a", lastEventId: "1" },
      { event: "message", data: "b", lastEventId: "1" },
      plain("c"),
    ],
  },
  { name: "an id with NUL is ignored", stream: "id: 1\0\ndata: a\n\n", events: [plain("a")] },
  {
    name: "retry of digits",
    stream: "retry: 1500\ndata: a\n\n",
    events: [plain("a")],
    retryMs: 1500,
  },
  { name: "retry of anything else", stream: "retry: 1s\nretry: -1\nretry\n\n", events: [] },
  { name: "unknown fields", stream: "dat: x\ndatax: y\n data: z\nData: w\n\n", events: [] },
  { name: "an unfinished event is dropped", stream: "data: a\n\ndata: b\n", events: [plain("a")] },
  { name: "a colon in the value", stream: "data: a:b\n\n", events: [plain("a:b")] },
  { name: "multibyte text", stream: "data: é€😀\n\n", events: [plain("é€😀")] },
  {
    name: "invalid UTF-8 is replaced",
    stream: Uint8Array.from([...bytesOf("data: "), 0xff, 0xe2, 0x82, 0x0a, 0x0a]),
    events: [plain("\ufffd\ufffd")],
  },
];

/** Feeds the stream in the pieces that `sizeOf` asks for. */
function feed(stream: Uint8Array, sizeOf: () => number) {
  const decoder = new SseDecoder(maxFrameBytes);
  const events: TextEvent[] = [];
  for (let at = 0; at < stream.length;) {
    const size = Math.max(1, sizeOf());
    events.push(...readText(decoder, stream.slice(at, at + size)));
    at += size;
  }
  return { events, retryMs: decoder.retryMs };
}

for (const { name, stream, events, retryMs } of vectors) {
  test(`requirement 1: SSE: ${name}, however it is cut`, () => {
    const bytes = typeof stream === "string" ? bytesOf(stream) : stream;
    const want = { events, retryMs };
    assert.deepEqual(feed(bytes, () => bytes.length), want, "whole");
    assert.deepEqual(feed(bytes, () => 1), want, "byte by byte");
    for (let seed = 0; seed < 50; seed++) {
      const random = seededRandom(seed);
      assert.deepEqual(feed(bytes, () => Math.floor(random() * 8)), want, `seed ${seed}`);
    }
  });
}

test("an event over the limit ends in a named error, finished or not, and the decoder stays ended", () => {
  for (const text of ["data: 0123456789\n\n", "data: 0123456789", "data: 01\ndata: 23\n"]) {
    const decoder = new SseDecoder(12);
    assert.throws(() => decoder.read(bytesOf(text)), SseEventTooLargeError);
    assert.throws(() => decoder.read(bytesOf("\n")), SseEventTooLargeError);
  }
  const fits = new SseDecoder(12);
  assert.equal(fits.read(bytesOf("data: 012345\n\n".repeat(9))).length, 9);
});

test("what came before an event over the limit counts", () => {
  const decoder = new SseDecoder(12);
  const events: ServerSentEvent[] = [];
  const read = () => decoder.read(bytesOf("data: 01\n\ndata: 0123456789\n\n"), events);
  assert.throws(read, SseEventTooLargeError);
  assert.deepEqual(events.map(({ bytes }) => new TextDecoder().decode(bytes)), ["01"]);
});

test("a stream of comments never reaches the limit of an event", () => {
  const decoder = new SseDecoder(16);
  for (let i = 0; i < 100; i++) decoder.read(bytesOf(": ping\n"));
  assert.deepEqual(readText(decoder, bytesOf("data: a\n\n")), [plain("a")]);
});

test("a line of 10 MiB in chunks of 16 KiB comes out whole", () => {
  const decoder = new SseDecoder(maxFrameBytes);
  const chunk = new Uint8Array(16 * 1024).fill(0x61);
  decoder.read(bytesOf("data:"));
  for (let i = 0; i < 640; i++) decoder.read(chunk);
  assert.equal(decoder.read(bytesOf("\n\n"))[0]?.bytes.length, 10 * 1024 * 1024);
});

test("an event that is not over keeps none of the chunks it began in", () => {
  for (const begin of ["data: a\n", "data: a\ndata: b\n", "data: a", "id: 7\ndata: a\r"]) {
    const decoder = new SseDecoder(maxFrameBytes);
    const chunk = bytesOf(begin + (/[\n\r]$/.test(begin) ? `: ${"x".repeat(10_000)}\n` : ""));
    const large = new Uint8Array(64 * 1024);
    large.set(chunk);
    decoder.read(large.subarray(0, chunk.length));
    large.fill(0);
    assert.match(new TextDecoder().decode(decoder.read(bytesOf("\n\n"))[0]?.bytes), /^a(\nb)?$/);
  }
});

test("what is encoded decodes to the same, with line ends as LF", () => {
  const text = encodeSseEvent({ event: "webhook", id: "7", data: "a\r\nb\rc\n" });
  const want = { event: "webhook", data: "a\nb\nc\n", lastEventId: "7" };
  assert.deepEqual(readText(new SseDecoder(maxFrameBytes), bytesOf(text)), [want]);
  assert.throws(() => encodeSseEvent({ event: "a\nb", data: "" }), RangeError);
  assert.throws(() => encodeSseEvent({ id: "a\0", data: "" }), RangeError);
});

const fragments = [
  ..."data:|data: |data|event: |event:|id: |id:|retry: |retry:|: |:|unknown: |x".split("|"),
  ..."\n|\n|\n|\n\n|\r\n|\r\n|\r".split("|"),
  ...'a|12|é|€|😀| |\ufeff|{"n":1}|0|007'.split("|"),
];

test("requirement 1: 20,000 random streams decode as eventsource-parser decodes them", () => {
  for (let seed = 0; seed < 20_000; seed++) {
    const random = seededRandom(seed);
    let text = "";
    for (let n = Math.floor(random() * 30); n > 0; n--) {
      text += fragments[Math.floor(random() * fragments.length)];
    }
    text += "\n\n"; // so that neither has to guess whether a last CR is half of a CRLF
    let retryMs: number | undefined;
    const theirs: TextEvent[] = [];
    let lastEventId = "";
    const parser = createParser({
      onEvent({ event, data, id }) {
        lastEventId = id ?? lastEventId;
        theirs.push({ event: event || "message", data, lastEventId });
      },
      onRetry: (ms) => retryMs = ms,
    });
    parser.feed(text);
    const ours = feed(bytesOf(text), () => Math.floor(random() * 12));
    const shown = `seed ${seed}: ${JSON.stringify(text)}`;
    // That parser forgets an id that comes with an event that has no data; the standard keeps it.
    const bare = (events: readonly TextEvent[]) =>
      events.map(({ event, data }) => ({ event, data }));
    assert.deepEqual(bare(ours.events), bare(theirs), shown);
    assert.equal(ours.retryMs, retryMs, shown);
  }
});
