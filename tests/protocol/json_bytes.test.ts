import assert from "node:assert/strict";
import { asciiJson } from "../../src/protocol/ascii_json.ts";
import { elementsOf, splitObject } from "../../src/protocol/json_bytes.ts";
import { compactJson } from "../../src/protocol/compact_json.ts";
import { stringBytes } from "../../src/protocol/json_escapes.ts";
import { seededRandom } from "../../src/async/seeded_random.ts";
import { test } from "../support/test.ts";

const bytes = (text: string) => new TextEncoder().encode(text);
const text = (bytes: Uint8Array | undefined) => bytes && new TextDecoder().decode(bytes);
const compact = (json: string) => text(compactJson(bytes(json)).bytes) ?? "";
const member = (json: string, name: string) =>
  text(splitObject(bytes(json), [name]).members[name]?.bytes);
const elements = (json: string, max = Infinity) => elementsOf(bytes(json), max).map(text);

test("compact JSON loses white space and needless escapes, and nothing else", () => {
  const cases: [string, string][] = [
    ['{ "a" : [ 1.10 , 2e+3, 12345678901234567890 ] }', '{"a":[1.10,2e+3,12345678901234567890]}'],
    ['"\\u00e9 \\u0022 \\\\ \\/ \\u0001"', '"é \\" \\\\ / \\u0001"'],
    ['\n\t{"x": "a , b : [ c"}\r\n', '{"x":"a , b : [ c"}'],
    ['"\\ud83d\\ude00"', '"😀"'],
    ['"\\ud83d"', '"\\ud83d"'],
    ['"\\uD83D\\u0041 \\udE00"', '"\\ud83dA \\ude00"'],
    ['"\\u000a\\u0008\\n"', '"\\n\\b\\n"'],
    ["null", "null"],
    ['""', '""'],
  ];
  for (const [given, expected] of cases) assert.equal(compact(given), expected);
});

test("a member's text is found wherever it stands, the last of its name counting", () => {
  assert.equal(
    member('{"b": {"payload": 1}, "payload" : [1, "]"] , "c":2}', "payload"),
    '[1, "]"]',
  );
  assert.equal(member('{"payload":1,"payload":{"x":"}"}}', "payload"), '{"x":"}"}');
  assert.equal(member('{"p\\u0061yload": true}', "payload"), "true");
  assert.equal(member("{}", "payload"), undefined);
  assert.deepEqual(elements('[ {"a":1} , "x,]", [2] ]'), ['{"a":1}', '"x,]"', "[2]"]);
  assert.deepEqual(elements("[]"), []);
  assert.deepEqual(elements("{}"), []);
  assert.deepEqual(elements("[1,2,3]", 2), ["1", "2"]);
});

test("the rest of an object is the object with null for the member, and a loose value is told", () => {
  const split = (json: string) => {
    const { members, rest } = splitObject(bytes(json), ["payload"]);
    return { rest, isLoose: members["payload"]?.isLoose };
  };
  assert.equal(split('{"a":1,"payload":{"é":[1]},"b":"]"}').rest, '{"a":1,"payload":null,"b":"]"}');
  assert.equal(split('{"a": 1}').rest, '{"a": 1}');
  for (const value of ["1", '{"a":[1,"b c"]}', '""']) {
    assert.equal(split(`{ "payload" : ${value} }`).isLoose, false, value);
  }
  for (const value of ['{"a": 1}', '["\\u00e9"]', '{"a":1\n}']) {
    assert.equal(split(`{"payload":${value}}`).isLoose, true, value);
  }
});

test("a string's bytes are what JSON.parse makes of it, in UTF-8", () => {
  const literals = [
    '""',
    '"plain \u00e9"',
    '"\\" \\\\ \\/ \\b\\f\\n\\r\\t"',
    '"\\u0041\\u00e9\\u2014\\ud83d\\ude00"',
    '"\\u0000\\u001f\\u0022\\u005c"',
    '"lone \\ud83d end"',
  ];
  for (const literal of literals) {
    const isLoose = literal.includes("\\");
    const expected = bytes(JSON.parse(literal));
    assert.deepEqual(stringBytes(bytes(literal), isLoose), expected, literal);
  }
  for (const other of ["1", "null", "{}", '"', ""]) {
    assert.equal(stringBytes(bytes(other), false), undefined, other);
  }
});

test("on 5,000 random values: compact and ASCII forms mean the same, and members and elements are cut right", () => {
  const random = seededRandom(5);
  const letterText = () => {
    const letters = ['"', "\\", "é", "😀", "\n", "a", " ", ":", ",", "{", "]", "\u2028"];
    return Array.from(
      { length: random() * 6 },
      () => letters[Math.floor(random() * letters.length)],
    ).join("");
  };
  const value = (depth: number): unknown => {
    const kind = Math.floor(random() * (depth > 3 ? 4 : 6));
    switch (kind) {
      case 0:
        return letterText();
      case 1:
        return Math.round(random() * 1e6) / 100;
      case 2:
        return random() < 0.5;
      case 3:
        return null;
      case 4:
        return Array.from({ length: random() * 4 }, () => value(depth + 1));
      default:
        return Object.fromEntries(
          Array.from({ length: random() * 4 }, () => [letterText(), value(depth + 1)]),
        );
    }
  };
  for (let i = 0; i < 5_000; i++) {
    const inner = value(0);
    const spaced = JSON.stringify({ before: value(1), payload: inner, list: [inner, 1] }, null, 2);
    assert.equal(compact(spaced), JSON.stringify(JSON.parse(spaced)));
    const ascii = asciiJson(spaced);
    assert.equal(compact(ascii), JSON.stringify(JSON.parse(spaced)));
    assert.match(asciiJson(spaced), /^[\0-\x7f]*$/);
    assert.deepEqual(JSON.parse(asciiJson(spaced)), JSON.parse(spaced));
    assert.deepEqual(JSON.parse(member(spaced, "payload") ?? ""), inner);
    const [first = ""] = elements(member(spaced, "list") ?? "");
    assert.deepEqual(JSON.parse(first), inner);
  }
});
