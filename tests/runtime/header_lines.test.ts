import assert from "node:assert/strict";
import { inspect } from "node:util";
import { HeaderLines } from "../../src/runtime/header_lines.ts";
import { test } from "../support/test.ts";

test("fields stand in lines; what is no field is refused, without its value", () => {
  assert.equal(new HeaderLines({ "X-A": "1", "x-b": "2" }).text, "X-A: 1\r\nx-b: 2\r\n");
  for (const fields of [{ "X-A": "s3cret\r\nX-B: 1" }, { "X A": "s3cret" }]) {
    assert.throws(() => new HeaderLines(fields), (error: Error) => {
      return error instanceof TypeError && !error.message.includes("s3cret");
    });
  }
});

test("lines with a token are not printed", () => {
  const lines = new HeaderLines({ "Authorization": "Bearer s3cret" });
  const printed = [inspect({ lines }, { showHidden: true }), JSON.stringify({ lines }), `${lines}`];
  for (const text of printed) assert.doesNotMatch(text, /s3cret/);
});
