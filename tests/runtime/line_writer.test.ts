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
    const writer = lineWriter("stdout", systemClock);
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

test("of a flood that is more than may wait whole lines are dropped, and what comes later is written", async () => {
  const output = await written(`
    for (let n = 0; n < 40_000; n++) writer.write("line " + n + " " + "x".repeat(100));
    await writer.close();
    writer.write("later");`);
  const lines = output.split("\n").slice(0, -1);
  assert.equal(lines.at(-1), "later");
  const flood = lines.slice(0, -1);
  assert.ok(flood.length > 5_000 && flood.length < 40_000, String(flood.length));
  for (const [n, line] of flood.entries()) assert.equal(line, `line ${n} ${"x".repeat(100)}`);
});
