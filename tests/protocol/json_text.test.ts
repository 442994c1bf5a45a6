import assert from "node:assert/strict";
import { asciiJson, compactJson, elementTexts, memberText } from "../../src/protocol/json_text.ts";
import { seededRandom } from "../../src/async/seeded_random.ts";
import { test } from "../support/test.ts";

test("compact JSON loses white space and needless escapes, and nothing else", () => {
  const cases: [string, string][] = [
    ['{ "a" : [ 1.10 , 2e+3, 12345678901234567890 ] }', '{"a":[1.10,2e+3,12345678901234567890]}'],
    ['"\\u00e9 \\u0022 \\\\ \\/ \\u0001"', '"é \\" \\\\ / \\u0001"'],
    ['\n\t{"x": "a , b : [ c"}\r\n', '{"x":"a , b : [ c"}'],
    ['"\\ud83d\\ude00"', '"😀"'],
    ['"\\ud83d"', '"\\ud83d"'],
    ["null", "null"],
    ['""', '""'],
  ];
  for (const [given, expected] of cases) assert.equal(compactJson(given), expected);
});

test("a member's text is found wherever it stands, the last of its name counting", () => {
  assert.equal(
    memberText('{"b": {"payload": 1}, "payload" : [1, "]"] , "c":2}', "payload"),
    '[1, "]"]',
  );
  assert.equal(memberText('{"payload":1,"payload":{"x":"}"}}', "payload"), '{"x":"}"}');
  assert.equal(memberText('{"p\\u0061yload": true}', "payload"), "true");
  assert.equal(memberText("{}", "payload"), undefined);
  assert.deepEqual(elementTexts('[ {"a":1} , "x,]", [2] ]'), ['{"a":1}', '"x,]"', "[2]"]);
  assert.deepEqual(elementTexts("[]"), []);
});

test("on 5,000 random values: compact and ASCII forms mean the same, and members and elements are cut right", () => {
  const random = seededRandom(5);
  const text = () => {
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
        return text();
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
          Array.from({ length: random() * 4 }, () => [text(), value(depth + 1)]),
        );
    }
  };
  for (let i = 0; i < 5_000; i++) {
    const inner = value(0);
    const spaced = JSON.stringify({ before: value(1), payload: inner, list: [inner, 1] }, null, 2);
    assert.deepEqual(JSON.parse(compactJson(spaced)), JSON.parse(spaced));
    assert.equal(compactJson(spaced), JSON.stringify(JSON.parse(spaced)));
    assert.match(asciiJson(spaced), /^[\0-\x7f]*$/);
    assert.deepEqual(JSON.parse(asciiJson(spaced)), JSON.parse(spaced));
    assert.deepEqual(JSON.parse(memberText(spaced, "payload") ?? ""), inner);
    const [first = ""] = elementTexts(memberText(spaced, "list") ?? "");
    assert.deepEqual(JSON.parse(first), inner);
  }
});
