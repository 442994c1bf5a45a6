import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "../support/test.ts";

const root = join(import.meta.dirname ?? ".", "..", "..");

/** All of src/ as one text, with strings that were broken over lines put together. */
function sourceText(): string {
  return readdirSync(join(root, "src"), { recursive: true, encoding: "utf8" })
    .filter((name) => /\.tsx?$/.test(name))
    .map((name) => readFileSync(join(root, "src", name), "utf8"))
    .join("\n")
    .replace(/["`] \+\s*["`]/g, "");
}

/** What stands between the `…` of a message. */
function parts(message: string): string[] {
  return message.split("…").map((part) => part.trim()).filter((part) => /\w/.test(part));
}

test("docs/TROUBLESHOOTING.md quotes messages that this program has", () => {
  const page = readFileSync(join(root, "docs", "TROUBLESHOOTING.md"), "utf8");
  const messages = [...page.matchAll(/^\| `([^`]+)` +\|/gm)].map(([, message = ""]) => message);
  const source = sourceText();
  const strange = messages.filter((message) => parts(message).some((one) => !source.includes(one)));
  assert.deepEqual(strange, []);
  assert.ok(messages.length > 30, `only ${messages.length} messages were found`);
});
