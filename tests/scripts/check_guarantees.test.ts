import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { problems } from "../../scripts/check_guarantees.ts";
import { test } from "../support/test.ts";

test("a guarantee without a test, or with one that is not there, is found; other tables are left alone", (t) => {
  const root = t.folder();
  mkdirSync(join(root, "tests"));
  writeFileSync(join(root, "secret.ts"), "a | b");
  writeFileSync(join(root, "tests", "a.test.ts"), 'test("it holds: a | b", () => {});');
  const markdown = [
    "| fault | ours | test |",
    "| :---- | ---- | :--: |",
    '| one | x | `tests/a.test.ts`: "it holds" |',
    '| two | x | `tests/a.test.ts`: "holds: a \\| b", `tests/a.test.ts`: "it" |',
    '| three | x | `tests/a.test.ts`: "it does not hold" |',
    '| four | x | `tests/a.test.ts`: "it holds", `tests/b.test.ts`: "it holds" |',
    "| five | x | by hand |",
    "| six | x |  |",
    '| seven | x | `secret.ts`: "a" |',
    "",
    "| key | value |",
    "| --- | ----- |",
    "| a | no test is named here |",
  ].join("\n");
  assert.deepEqual(problems(markdown, root), [
    'line 5: tests/a.test.ts has no test "it does not hold"',
    "line 6: there is no tests/b.test.ts",
    'line 7: no test is named in "by hand"',
    'line 8: no test is named in ""',
    "line 9: there is no secret.ts",
  ]);
});
