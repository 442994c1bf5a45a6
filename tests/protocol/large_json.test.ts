import assert from "node:assert/strict";
import { compactJson, compactPlainly } from "../../src/protocol/compact_json.ts";
import { endPlainly } from "../../src/protocol/json_end.ts";
import { unescapePlainly } from "../../src/protocol/json_escapes.ts";
import { endOfLarge, leastLarge, unescapeLarge } from "../../src/protocol/large_json.ts";
import { lines, looksAtBytes } from "../support/large_json_lines.ts";
import { test } from "../support/test.ts";
import { withoutWebAssembly } from "../support/without_web_assembly.ts";

const encoder = new TextEncoder();
const bytes = (text: string) => encoder.encode(text);
const text = (given: Uint8Array) => new TextDecoder().decode(given);

/** What a webhook is made of, and what trips those that read it. */
const pieces = [
  '{"a": 1.10, "b" : [true, null,\t"x"]}',
  '"with \\" quotes \\\\ and \\/ slashes \\u00e9\\u00E9\\ud83d\\ude00"',
  '"lone \\ud83d and \\u001f, \\u12 is none"',
  '"\u2014 \u{1f680} {[ ]} , : "',
  '["\\\\\\\\", "\\\\\\\\\\"", " "]',
  "-1e9",
  '{ "deep" : [ [ [ { } ] ] ] }',
];

/** A list of them, of at least so many bytes; each begins somewhere else in its block. */
function listOf(size: number, first: number): string {
  let list = `[${" ".repeat(first)}"${"y".repeat(first % 7)}"`;
  for (let n = 0; list.length < size; n++) {
    list += `,${" ".repeat(n % 3)}${pieces[n % pieces.length]}`;
  }
  return `${list}]`;
}

function assertSame(given: Uint8Array<ArrayBuffer>, start: number): void {
  const { bytes: plain, end } = compactPlainly(given.slice(), start);
  const work = given.slice();
  const compact = compactJson(work, start);
  assert.equal(text(compact.bytes) === text(plain), true, "the same bytes");
  assert.equal(compact.end, end);
  const around = (all: Uint8Array) => [all.subarray(0, start), all.subarray(end)];
  assert.deepEqual(around(work), around(given), "nothing else is written over");
  assert.deepEqual(unescapeLarge(given.slice()), unescapePlainly(given.slice()));
}

test("a large text is found and written as byte by byte, wherever blocks and parts of it end", () => {
  const room = 64 * 1024;
  for (const size of [leastLarge, 1024, 1500, room - 64, room, room + 64, 3 * room]) {
    for (let first = 0; first < (size > 2000 ? 14 : 140); first++) {
      const list = listOf(size, first);
      const given = bytes(`{"member": ${list}, "rest": ${" ".repeat(leastLarge)}0}`);
      const start = given.indexOf(0x5b);
      const found = endOfLarge(given, start);
      assert.deepEqual(found, endPlainly(given, start));
      assert.equal(text(given.subarray(start, found?.end)), list);
      assertSame(given, start);
      assertSame(given, 0);
    }
  }
});

test("an escape is whole wherever a part of a text ends", () => {
  const room = 64 * 1024;
  for (const escape of ["\\u00e9", "\\ud83d\\ude00", "\\/", '\\"', "\\\\", "\\ud83d\\n"]) {
    for (let before = room - 80; before < room + 2; before++) {
      const given = bytes(`["${"x".repeat(before - 2)}${escape}${escape}"]`);
      assertSame(given, 0);
      assert.deepEqual(endOfLarge(given, 0), endPlainly(given, 0));
      assert.deepEqual(endOfLarge(given, 1), endPlainly(given, 1));
    }
  }
});

test("of a large text that ends in the middle, or is none, what is said is the same", () => {
  const list = `[${listOf(2_000, 3)}`;
  for (let length = leastLarge; length < list.length; length++) {
    const given = bytes(list.slice(0, length));
    assertSame(given, 0);
    assert.deepEqual(endOfLarge(given, 0), endPlainly(given, 0));
  }
  for (const wrong of ['{"a":1} }', '[1]\\"]', '[\\"]"]', '[\\u00e9 "]"]', "]]", "{]}["]) {
    const given = bytes(wrong + " ".repeat(leastLarge) + listOf(100, 1));
    assertSame(given, 0);
    const found = wrong.startsWith("]") ? undefined : endOfLarge(given, 0);
    if (found) assert.deepEqual(found, endPlainly(given, 0));
  }
});

test("a large text that is no JSON further on is written as byte by byte, and nothing of it is lost", () => {
  const room = 64 * 1024;
  const wrongs = ['\\"x"', '\\\\"x"', "\\u00e9", "\\/", '"a"\\"b"', "\\", '\\"]'];
  for (const wrong of wrongs) {
    for (let size = room - 70; size < room + 70; size += 3) {
      const list = listOf(size, size % 7).slice(0, -1);
      const given = bytes(`{"payload": ${list}, ${wrong}, "x \\u00e9"], "type": "webhook"}`);
      assertSame(given, given.indexOf(0x5b));
      assertSame(given, 0);
    }
  }
});

test("a long string ends at its quote, and is loose where it has an escape", () => {
  for (
    const [inside, isLoose] of [["x", false], ["\\n", true], ['\\"', true], ["\\\\", true]] as const
  ) {
    for (const size of [100, 1023, 1024, 5_000, 200_000]) {
      const literal = `"${"y".repeat(size)}${inside}"`;
      const given = bytes(`${literal}, "more \\" ${"z".repeat(leastLarge)}`);
      assert.deepEqual(endOfLarge(given, 0), { end: literal.length, isLoose });
    }
  }
});

test("where the runtime has no WebAssembly, the bytes are looked at one by one", async () => {
  const plainly = { looksAtBytes: true, lines };
  assert.deepEqual(await withoutWebAssembly("large_json_lines.ts"), plainly);
  assert.equal(looksAtBytes, false);
});
