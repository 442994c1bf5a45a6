import assert from "node:assert/strict";
import { seededRandom } from "../../src/async/seeded_random.ts";
import { inText, lineEnds } from "../../src/protocol/line_ends.ts";
import { SseDecoder } from "../../src/protocol/sse.ts";
import { found, isInText } from "../support/found_line_ends.ts";
import { test } from "../support/test.ts";
import { withoutWebAssembly } from "../support/without_web_assembly.ts";

const random = seededRandom(20261130);
const ends = lineEnds();
const room = ends.maxBytes;

/** One of `rarity` is a line end; among the others are all that look like one. */
function someBytes(length: number, rarity: number): Uint8Array<ArrayBuffer> {
  return Uint8Array.from({ length }, () => {
    if (random() * rarity < 1) return random() < 0.5 ? 0x0a : 0x0d;
    return [0x09, 0x0b, 0x0c, 0x0e, 0x8a, 0x8d, 0x4a, 0x2d, 0x00, 0xff][Math.floor(random() * 10)]!;
  });
}

function placesIn(given: Uint8Array<ArrayBuffer>, by = ends): number[] {
  const count = by.find(given);
  return Array.from({ length: count }, (_, i) => by.places[i] ?? -1);
}

function placesOneByOne(given: Uint8Array): number[] {
  return [...given.keys()].filter((at) => given[at] === 0x0a || given[at] === 0x0d);
}

test("line ends are found as byte by byte, wherever blocks of 64 end", () => {
  const text = inText();
  for (const rarity of [1, 2, 10, 100, 1e9]) {
    for (const length of [...Array(260).keys(), room - 65, room - 1, room]) {
      const given = someBytes(length, rarity);
      const expected = placesOneByOne(given);
      assert.deepEqual(placesIn(given), expected);
      assert.deepEqual(placesIn(given, text), expected);
    }
  }
});

test("a chunk larger than what is looked through at once is one stream", () => {
  const encoder = new TextEncoder();
  for (const end of ["\n", "\r", "\r\n"]) {
    for (let before = room - 12; before < room + 4; before++) {
      const first = `data: ${"x".repeat(before)}`;
      const stream = [first, "", `data: y`, `data: ${"z".repeat(room)}`, "", "data: !", "", ""];
      const events = new SseDecoder(10 * room).read(encoder.encode(stream.join(end)));
      // A CR may have its LF in the next chunk, but the line is over.
      assert.deepEqual(events.map(({ bytes }) => new TextDecoder().decode(bytes)), [
        "x".repeat(before),
        `y\n${"z".repeat(room)}`,
        "!",
      ]);
    }
  }
});

test("where the runtime has no WebAssembly, line ends are looked for in a text", async () => {
  assert.deepEqual(await withoutWebAssembly("found_line_ends.ts"), { isInText: true, found });
  assert.equal(isInText, false);
});
