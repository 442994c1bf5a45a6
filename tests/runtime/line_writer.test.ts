import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import process from "node:process";
import { test } from "../support/test.ts";

const isDeno = "Deno" in globalThis;
const module = join(import.meta.dirname ?? ".", "../../src/runtime/line_writer.ts");
const clock = join(import.meta.dirname ?? ".", "../../src/async/clock.ts");

/** What a process of its own writes that runs this with a `writer` for its standard output. */
async function written(script: string): Promise<string> {
  const text = `
    import { lineWriter } from ${JSON.stringify(module)};
    import { systemClock } from ${JSON.stringify(clock)};
    const writer = lineWriter("stdout", systemClock, (lost) => writer.write("lost " + lost));
    ${script}
    await writer.close();`;
  const args = isDeno ? ["eval", "--quiet", "--ext=ts", text] : ["-e", text];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
  let output = "";
  child.stdout.setEncoding("utf8").on("data", (chunk) => output += chunk);
  const [code] = await once(child, "close");
  assert.equal(code, 0);
  return output;
}

test("a line is written whole, however long it is and whatever it has in it", async () => {
  const output = await written(`
    writer.write("first");
    writer.write("\\u20ac".repeat(700_000));`);
  const lines = output.split("\n");
  assert.deepEqual(lines.map(({ length }) => length), [5, 700_000, 0]);
  assert.equal(lines[1], "\u20ac".repeat(700_000));
});

test("of a flood that is more than may wait whole lines are dropped and their number told where they were, and what comes later is written", async () => {
  const output = await written(`
    for (let n = 0; n < 40_000; n++) writer.write("line " + n + " " + "x".repeat(100));
    await writer.close();
    writer.write("later");`);
  const lines = output.split("\n").slice(0, -1);
  assert.equal(lines.at(-1), "later");
  const flood = lines.slice(0, -2);
  assert.ok(flood.length > 5_000 && flood.length < 40_000, String(flood.length));
  assert.equal(lines.at(-2), `lost ${40_000 - flood.length}`);
  for (const [n, line] of flood.entries()) assert.equal(line, `line ${n} ${"x".repeat(100)}`);
});

test("what was dropped is told as one number from the start, in all ways that a line can be dropped", async () => {
  const output = await written(`
    for (let flood = 0; flood < 2; flood++) {
      writer.write("x".repeat(1_000_000));
      // Of these the last ones find no room as bytes: each character may be three.
      for (let n = 0; n < 10_000; n++) writer.write("\u20ac".repeat(20));
      await writer.close();
    }`);
  const lines = output.split("\n").slice(0, -1);
  const lost = lines.filter((line) => line.startsWith("lost "));
  const last = Number(lost.at(-1)?.slice("lost ".length));
  assert.ok(lost.length >= 2, String(lost));
  assert.equal(lines.length - lost.length + last, 2 * 10_001);
});
