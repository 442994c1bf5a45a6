/** docs/SCALING.md reckons with what docs/BENCHMARKS.md printed. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "../support/test.ts";

const docs = join(import.meta.dirname ?? ".", "..", "..", "docs");

test("each figure that SCALING.md calls measured stands in BENCHMARKS.md", () => {
  const printed = readFileSync(join(docs, "BENCHMARKS.md"), "utf8");
  const page = readFileSync(join(docs, "SCALING.md"), "utf8");
  const measured = page.slice(page.indexOf("## Measured"), page.indexOf("## One relay"));
  const figures = measured.split("\n")
    .filter((line) => line.includes("`deno task bench"))
    .flatMap((line) => line.split("|")[2]?.match(/\d[\d,]*/g) ?? [])
    .map((figure) => figure.replaceAll(",", ""));
  assert.ok(figures.length >= 10, String(figures));
  const stale = figures.filter((figure) => !new RegExp(`\\b${figure}\\b`).test(printed));
  assert.deepEqual(stale, []);
});
