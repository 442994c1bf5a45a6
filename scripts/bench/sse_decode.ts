/**
 * How fast the SSE decoder is beside `eventsource-parser` fed by a streaming `TextDecoder`: the same bytes in the same
 * chunks, turn about in one process, the median of several rounds. Ours gives the data of an event as bytes, which is what
 * a connector passes on; theirs as text. Only the ratio means something.
 *
 *   deno run scripts/bench/sse_decode.ts [ROUNDS]
 *   bun scripts/bench/sse_decode.ts [ROUNDS]
 */
import process from "node:process";
import { createParser } from "eventsource-parser";
import { maxFrameBytes } from "../../src/protocol/limits.ts";
import { SseDecoder } from "../../src/protocol/sse.ts";
import { report } from "./tools/report.ts";
import { ownRuntime } from "./tools/runtimes.ts";
import { median } from "./tools/statistics.ts";

const chunkBytes = 16 * 1024;
const inputBytes = 16 * 1024 * 1024;
/** One measurement goes over its input again until it has taken this long. */
const leastMs = 150;

interface Input {
  readonly name: string;
  /** The ratio to reach, from the targets of the performance issue. */
  readonly target: number;
  readonly chunks: readonly Uint8Array<ArrayBuffer>[];
}

const json = (bytes: number, filler: string) =>
  `{"type":"webhook","body":"${
    filler.repeat(Math.ceil(bytes / new TextEncoder().encode(filler).length))
  }"}`;
const small = 'event: webhook\nid: 17\ndata: {"n":1,"ok":true}\n\n';

const inputs: readonly Input[] = [
  input("small events", 2, small),
  input("1 KiB events", 2, `event: webhook\nid: 17\ndata: ${json(1024, "lorem ipsum ")}\n\n`),
  input("100 KiB events", 3, `event: webhook\nid: 17\ndata: ${json(102_400, "dolor sit ")}\n\n`),
  input("one line of 10 MiB", 2, `data: ${json(10 * 1024 * 1024, "amet ")}\n\n`),
  input("CRLF, 1 KiB", 2, `event: webhook\r\ndata: ${json(1024, "consectetur ")}\r\n\r\n`),
  input("many comments", 2, ": keep the line warm\n\n".repeat(20) + small),
  input("multibyte, 1 KiB", 2, `event: webhook\ndata: ${json(1024, "žluťoučký 日本 🦊 ")}\n\n`),
  input(
    "multibyte, 100 KiB",
    3,
    `event: webhook\ndata: ${json(102_400, "žluťoučký 日本 🦊 ")}\n\n`,
  ),
];

function input(name: string, target: number, event: string): Input {
  const one = new TextEncoder().encode(event);
  const whole = new Uint8Array(one.length * Math.ceil(inputBytes / one.length));
  for (let at = 0; at < whole.length; at += one.length) whole.set(one, at);
  const chunks: Uint8Array<ArrayBuffer>[] = [];
  for (let at = 0; at < whole.length; at += chunkBytes) {
    chunks.push(whole.slice(at, at + chunkBytes));
  }
  return { name, target, chunks };
}

/** Gives the data of each event to `look`; the result is the number of events. */
type Decode<Data> = (
  chunks: readonly Uint8Array<ArrayBuffer>[],
  look: (data: Data) => number,
) => { readonly events: number; readonly seen: number };

const decodeOurs: Decode<Uint8Array> = (chunks, look) => {
  let events = 0;
  let seen = 0;
  const decoder = new SseDecoder(maxFrameBytes);
  for (const chunk of chunks) {
    for (const { bytes } of decoder.read(chunk)) {
      events++;
      seen += look(bytes);
    }
  }
  return { events, seen };
};

const decodeTheirs: Decode<string> = (chunks, look) => {
  let events = 0;
  let seen = 0;
  const text = new TextDecoder();
  const parser = createParser({
    onEvent({ data }) {
      events++;
      seen += look(data);
    },
  });
  for (const chunk of chunks) parser.feed(text.decode(chunk, { stream: true }));
  return { events, seen };
};

/** Into the middle: what nobody looks into need not be put together, and theirs is a rope then. */
const intoBytes = (data: Uint8Array) => data[data.length >> 1] ?? 0;
const intoText = (data: string) => data.charCodeAt(data.length >> 1);

/** MB/s of one measurement. */
function speed<Data>(
  decode: Decode<Data>,
  look: (data: Data) => number,
  { chunks }: Input,
): number {
  const bytes = chunks.reduce((sum, chunk) => sum + chunk.length, 0);
  const start = performance.now();
  let passes = 0;
  let elapsedMs = 0;
  do {
    decode(chunks, look);
    passes++;
    elapsedMs = performance.now() - start;
  } while (elapsedMs < leastMs);
  return passes * bytes / elapsedMs / 1000;
}

const rounds = Number(process.argv[2] ?? 5);
const rows: Record<string, string>[] = [];
for (const each of inputs) {
  const ours = decodeOurs(each.chunks, (bytes) => new TextDecoder().decode(bytes).length);
  const theirs = decodeTheirs(each.chunks, (text) => text.length);
  if (ours.events !== theirs.events || ours.seen !== theirs.seen) {
    throw new Error(`${each.name}: ours gave ${ours.events} events, theirs ${theirs.events}`);
  }
  const our: number[] = [];
  const their: number[] = [];
  for (let round = 0; round < rounds; round++) {
    their.push(speed(decodeTheirs, intoText, each));
    our.push(speed(decodeOurs, intoBytes, each));
  }
  const ratio = median(our.map((mbps, i) => mbps / (their[i] ?? 1)));
  rows.push({
    input: each.name,
    "ours MB/s": median(our).toFixed(0),
    "theirs MB/s": median(their).toFixed(0),
    ratio: ratio.toFixed(2),
    wanted: each.target.toFixed(1),
  });
}
report("sse_decode", ownRuntime, rows, rows);
process.exit();
