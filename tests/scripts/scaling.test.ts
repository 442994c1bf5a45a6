/** docs/SCALING.md reckons with what docs/BENCHMARKS.md printed. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "../support/test.ts";

const docs = join(import.meta.dirname ?? ".", "..", "..", "docs");
const printed = readFileSync(join(docs, "BENCHMARKS.md"), "utf8");
const page = readFileSync(join(docs, "SCALING.md"), "utf8");

/** What a command printed when it was run last. */
function blockOf(command: string): string {
  const begin = `<!-- ${command} -->`;
  assert.ok(printed.includes(begin), `BENCHMARKS.md has nothing of ${command}`);
  const start = printed.indexOf(begin);
  return printed.slice(start, printed.indexOf("<!-- end -->", start));
}

test("each figure that SCALING.md calls measured was printed by the command in its row", () => {
  const rows = page.slice(page.indexOf("## Measured"), page.indexOf("## One relay")).split("\n")
    .filter((line) => line.includes("`deno task bench"))
    .map((line) => line.split("|").map((cell) => cell.trim()));
  const stale: string[] = [];
  let figures = 0;
  for (const [, what, cell = "", by = ""] of rows) {
    const command = /`(.*)`/.exec(by)?.[1] ?? "";
    const text = ["deno", "bun"].filter((_, i) => i === 0 || command.includes("RUNTIME"))
      .map((runtime) => blockOf(command.replace("RUNTIME", runtime))).join("\n");
    const words = new Set(text.split(/[^\d.,]+/).map((word) => word.replaceAll(",", "")));
    for (const figure of cell.match(/\d[\d,.]*/g) ?? []) {
      figures++;
      if (!words.has(figure.replaceAll(",", ""))) stale.push(`${what}: ${figure}`);
    }
  }
  assert.deepEqual(stale, []);
  assert.ok(figures >= 15, String(figures));
});
