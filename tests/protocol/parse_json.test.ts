import assert from "node:assert/strict";
import fc from "fast-check";
import { jsonSlip, parseJson } from "../../src/protocol/parse_json.ts";
import { test } from "../support/test.ts";

test("where a text ceases to be JSON is told by line and column, on every runtime alike", () => {
  const cases: readonly [json: string, slip: string][] = [
    ['{\n  "a": 1\n  "b": 2\n}', 'line 3, column 3: "," or "}" is expected'],
    ['{\r\n  "a": [1 2]\r\n}', 'line 2, column 11: "," or "]" is expected'],
    ['{\n  "a": 1,\n', "line 3, column 1: a name in double quotes is expected"],
    ["{'a': 1}", 'line 1, column 2: a name in double quotes or "}" is expected'],
    ['{"a" 1}', 'line 1, column 6: ":" after the name is expected'],
    ['{"a": }', "line 1, column 7: a value is expected"],
    ['{"a": 01}', "line 1, column 7: a value is expected"],
    ["[", 'line 1, column 2: a value or "]" is expected'],
    ["{}}", "line 1, column 3: nothing more is expected"],
    ["", "line 1, column 1: a value is expected"],
    [
      '{\n"a": "x\n}',
      "line 2, column 6: this text does not end on its line, or has an escape that JSON does not know",
    ],
  ];
  for (const [json, slip] of cases) {
    assert.throws(() => parseJson(json), new SyntaxError(slip), json);
  }
  assert.deepEqual(parseJson(' {"a": [1, -2.5e3, "\\u00e9\\n", {}, [], null, true]} '), {
    a: [1, -2500, "é\n", {}, [], null, true],
  });
});

test("a slip is found where JSON.parse finds one, and nowhere else", () => {
  const isJson = (json: string) => {
    try {
      JSON.parse(json);
      return true;
    } catch {
      return false;
    }
  };
  const near = fc.tuple(
    fc.json(),
    fc.nat(),
    fc.constantFrom("", '"', "{", "]", ",", ":", "0", "\n"),
  )
    .map(([json, n, put]) => {
      const at = n % (json.length + 1);
      return json.slice(0, at) + put + json.slice(at + 1);
    });
  fc.assert(
    fc.property(fc.oneof(fc.json(), near), (json) => {
      assert.equal(jsonSlip(json) === undefined, isJson(json), json);
    }),
    { numRuns: 2_000 },
  );
});
